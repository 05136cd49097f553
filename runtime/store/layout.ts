/** What stands in a state folder beside the database. */
export const keysFile = 'keys.json';
