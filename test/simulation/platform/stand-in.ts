/** A module with something else for some of what it exports. The rest is not read: Node warns of each deprecated export that is. */
export const standIn = <M extends object, Others extends object>(
  real: M,
  others: Others,
): Omit<M, keyof Others> & Others =>
  Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(real),
      ...Object.getOwnPropertyDescriptors(others),
    },
  ) as Omit<M, keyof Others> & Others;
