import { InvalidArgumentError } from 'commander';
import { parseBytes } from '../parse';

const mib = 1024 ** 2;

/** An option that is a rate of at least what the byte route can be limited to. */
export const rateOption = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < 64 * 1024)
    throw new InvalidArgumentError('Give at least 64KiB/s, such as 100MiB/s.');
  return bytes;
};

/** As `rateOption`, or "unlimited". */
export const rateOrUnlimitedOption = (text: string): number | 'unlimited' =>
  text === 'unlimited' ? text : rateOption(text);

/** An option that is the data of the demonstration VM: whole MiB, within what its disk takes. */
export const dataOption = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < mib || bytes > 1536 * mib || bytes % mib !== 0)
    throw new InvalidArgumentError('Give whole MiB, from 1MiB to 1536MiB.');
  return bytes;
};

/** An option that is a whole number from `least` on. */
export const wholeOption =
  (least: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < least)
      throw new InvalidArgumentError(`Give a whole number, at least ${least}.`);
    return number;
  };

/** An option that is one of a few words. */
export const choiceOption =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T => {
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) throw new InvalidArgumentError(`Give one of: ${choices.join(', ')}.`);
    return chosen;
  };
