/** Milliseconds of a .NET TimeSpan text (`[d.]hh:mm[:ss[.fff]]`, or plain days); undefined when it is none. */
export function timeSpanMs(text: string): number | undefined {
  const days = /^\d+$/.exec(text);
  if (days) return Number(text) * 86_400_000;
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/.exec(text);
  if (match === null) return undefined;
  const [, day = '0', hour = '0', minute = '0', second = '0', fraction = ''] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = ((Number(day) * 24 + Number(hour)) * 60 + Number(minute)) * 60 + Number(second);
  return seconds * 1000 + Math.round(Number(`0.${fraction || '0'}`) * 1000);
}
