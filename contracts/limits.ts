/** Limits of the wire and of documents, in one place. */

/** Relay frames above 64 KB leave the control channel; every control message stays below (relay protocol, "request" message). */
export const controlMessageBytesMax = 48 * 1024;
/** The relay closes an HTTP exchange after 60 s; our own error must win. */
export const relayCallMsMax = 55_000;
/** Bodies of the HTTP interface. */
export const httpBodyBytesMax = 1024 * 1024;
/** Migrations of one batch. */
export const batchMigrationsMax = 1000;
/** Images of one chain at most: Hyper-V allows 50 VM checkpoints, backup adds a few. */
export const chainImagesMax = 64;
/** Disks of one VM: 4 SCSI controllers of 64, which is Hyper-V's own limit. */
export const vmDisksMax = 256;
/** How far the clocks of app and agent may differ before a signed request is refused. */
export const clockSkewMsMax = 5 * 60_000;
/** How long a ticket of the byte route may be used to open a connection. */
export const ticketLifetimeMs = 60 * 60_000;
/** How long access to a staging container lasts; the app renews it when half of that is over. */
export const stagingAccessMs = 60 * 60_000;
/** A frame of the byte route carries at most this much of a disk. */
export const blockBytesMax = 1024 * 1024;
/** What may be sent again after a fault, which bounds the bytes that are in flight and not yet durable. */
export const resentBytesMax = 64 * 1024 * 1024;
/** Custom status of an orchestration: the extension refuses more than 16 KB of UTF-16. */
export const customStatusCharactersMax = 8000;
