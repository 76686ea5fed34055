/**
 * Names of users as keys of a record. A kind or an agent may have the name of a property that every object has, such as
 * `constructor`. Boundary: pure.
 */

/** The value that a record itself has by a name. */
export const own = <A>(record: Readonly<Record<string, A>>, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
