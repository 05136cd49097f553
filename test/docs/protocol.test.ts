import { createHash, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostId } from '../../contracts/ids';
import { operationRequest } from '../../contracts/operations';
import { signRequest } from '../../relay/signed-request';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { projectRoot } from '../project-root';

const protocol = readFileSync(join(projectRoot, 'docs', 'protocol.md'), 'utf8');

test("the document's example is exactly what a request's signature covers", () => {
  const text = /```\n(hyperferry-request-v1\n[^`]+)\n```/.exec(protocol)?.[1] ?? '';
  const [, host = '', method = '', path = '', time = '', nonce = '', digest] = text.split('\n');
  const body = Buffer.from(/whose body is `([^`]+)`/.exec(protocol)?.[1] ?? '');
  expect(createHash('sha256').update(body).digest('hex')).toBe(digest);
  const key = signingKeyFrom(generateSigningKey().privateKeyBase64);
  const request = { method, path, hostId: hostId.parse(host), body, atMs: Number(time), nonce };
  const signature = signRequest(key, request)['x-hyperferry-signature'] ?? '';
  expect(verify(null, Buffer.from(text), key.publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
});

test('every field of an operation request is in the document', () => {
  for (const field of Object.keys(operationRequest.shape)) expect(protocol).toContain(`| \`${field}\``);
});
