/** How the command ends: with nothing to tell, with a broken promise or a mark that is missing, with words that it does not know. */
export const exitCodes = { done: 0, broken: 1, usage: 2 } as const;
