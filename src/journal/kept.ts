/**
 * Effects that are kept in case the process does not live to commit their cycle. Boundary: records to and from JSON texts.
 */

/** What something that is kept belongs to: a task, on the context after a row. */
export const keptOf = (hash: string, key: string): string => `${hash}\n${key}`
