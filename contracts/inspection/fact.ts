import { z } from 'zod';

/** Something that a host was asked: what it is, or why this host cannot tell. It is never left out, so that nobody takes silence for a yes. */
export type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

export const fact = <S extends z.ZodType>(value: S) =>
  z.discriminatedUnion('known', [
    z.object({ known: z.literal(true), value }),
    z.object({ known: z.literal(false), why: z.string() }),
  ]);

export const known = <T>(value: T): { readonly known: true; readonly value: T } => ({ known: true, value });
export const notKnown = (why: string): { readonly known: false; readonly why: string } => ({ known: false, why });
