import { z } from 'zod';
import { nativeError } from '../worker/native-error';

const bytes = z.int().nonnegative();

export const hostArguments = z.object({ Roots: z.array(z.string().min(1).max(1024)).min(1).max(64) });
export const hostValue = z.object({
  name: z.string(),
  memoryBytes: bytes,
  memoryFreeBytes: bytes,
  switches: z.array(z.string()),
  volumes: z.array(z.object({ root: z.string(), sizeBytes: bytes, freeBytes: bytes, error: nativeError.nullable() })),
});
