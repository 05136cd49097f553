import { sign, verify, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import { fieldIssues, issuesText } from '../contracts/issues';
import { receipt, type Receipt, type ReceiptBody, type ReceiptKey } from '../contracts/receipt';
import { sha256Hex, type SigningKey } from './signing';

const context = 'hyperferry-receipt-v1\n';

const spki = (publicKey: KeyObject): Buffer => publicKey.export({ type: 'spki', format: 'der' });

/** The name of a key in signatures: enough to find the right one, not to trust it. */
export const keyIdOf = (publicKey: KeyObject): string => sha256Hex(spki(publicKey)).slice(0, 16);

/** The public half of a key as the app hands it out. */
export const receiptKeyOf = ({ publicKey }: SigningKey): ReceiptKey => ({
  algorithm: 'Ed25519',
  keyId: keyIdOf(publicKey),
  publicKeyBase64: spki(publicKey).toString('base64'),
});

/** Canonical JSON (RFC 8785), so that a receipt may be indented or its fields put in another order and stays genuine. */
const signedText = (body: unknown): Buffer => Buffer.from(context + (canonicalize(body) ?? ''));

export function signReceipt(key: SigningKey, body: ReceiptBody): Receipt {
  const value = sign(null, signedText(body), key.privateKey).toString('base64url');
  return { ...body, signature: { algorithm: 'Ed25519', keyId: keyIdOf(key.publicKey), value } };
}

const textOf = (error: Parameters<typeof fieldIssues>[0]): string =>
  issuesText(fieldIssues(error).map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`));

export type ReceiptVerdict =
  | { readonly genuine: true; readonly receipt: Receipt }
  /** `not-a-receipt`: of another shape; `other-key`: signed by a key that was not given; `forged`: the key is right and the text is not. */
  | { readonly genuine: false; readonly reason: 'not-a-receipt' | 'other-key' | 'forged'; readonly detail: string };

/** Whether a document is a receipt just as the app signed it. Every field counts, also one that this version does not know. */
export function verifyReceipt(publicKey: KeyObject, document: unknown): ReceiptVerdict {
  const parsed = receipt.safeParse(document);
  if (!parsed.success || typeof document !== 'object' || document === null)
    return { genuine: false, reason: 'not-a-receipt', detail: parsed.success ? 'not an object' : textOf(parsed.error) };
  const { signature } = parsed.data;
  if (signature.keyId !== keyIdOf(publicKey)) {
    const detail = `signed with key ${signature.keyId}, verified with key ${keyIdOf(publicKey)}`;
    return { genuine: false, reason: 'other-key', detail };
  }
  const { signature: _signature, ...body } = document as Record<string, unknown>;
  const value = Buffer.from(signature.value, 'base64url');
  if (verify(null, signedText(body), publicKey, value)) return { genuine: true, receipt: parsed.data };
  return { genuine: false, reason: 'forged', detail: 'the receipt was changed after it was signed' };
}
