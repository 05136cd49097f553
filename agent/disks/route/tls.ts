/**
 * What both ends ask of TLS: version 1.3 only, and the cipher that costs least where the processor has AES first. Each suite of
 * RFC 8446, appendix B.4, is as strong as the route needs.
 */
export const routeTls = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
} as const;
