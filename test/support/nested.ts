/** Values that are nested very deep. */

/** Depths that overflow the stack of some code, and of any code. */
export const depths = [300, 5_000, 100_000] as const

/** A value in that many arrays and objects, by turns. The keys have an escape in JSON. */
export const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { "a\n": value }
  return value
}

/** The JSON text of such a value. */
export const nestedText = (depth: number): string => {
  let before = ""
  let after = ""
  for (let level = depth - 1; level >= 0; level--) {
    before += level % 2 === 0 ? "[" : '{"a\\n":'
    after = (level % 2 === 0 ? "]" : "}") + after
  }
  return `${before}1${after}`
}

/** The number of levels of a value, counted without recursion. */
export const levelsOf = (value: unknown): number => {
  let levels = 0
  for (let inner = value; typeof inner === "object" && inner !== null; levels++) inner = Object.values(inner)[0]
  return levels
}
