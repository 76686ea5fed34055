/** The tools of type tests. They are checked by `tsc`, and never run. */

/** Whether two types are the same, not just assignable to each other. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile unless its argument is `true`. */
export type Assert<T extends true> = T
