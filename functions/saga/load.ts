/** What of a phase takes time: bytes that it carries from host to host, or reads on one. */
export type Load = { readonly carriedBytes: number } | { readonly readBytes: number };
