// Names of VMs and messages of hosts come from outside: none of them may move the cursor, recolour the terminal or reverse the text.
// C0 and C1 controls, line and paragraph separators, and the bidirectional controls of Unicode (UAX #9).
const unprintable = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with everything that a terminal would obey replaced by `?`. */
export const printable = (text: string): string => text.replace(unprintable, '?');

/** The same text of JSON with those characters as escapes, which JSON allows anywhere that they can stand. */
export const printableJson = (json: string): string =>
  json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Columns that the text takes at most: what lies beyond the Latin, Greek and Cyrillic scripts is counted as two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  return width;
}

/** The text cut so that it takes no more than that many columns, with `...` where something was cut off. */
export function clipped(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - 3) break;
    kept += character;
  }
  return columns < 3 ? '' : `${kept}...`;
}
