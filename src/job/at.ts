/** Places of arrays that must be filled. Boundary: a pure function. */

/** The item at a place. Throws if there is none: that is a bug, and the job ends as a defect. */
export const at = <A>(items: ReadonlyArray<A | undefined>, index: number): A => {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no item ${index} of ${items.length}`)
  return item
}
