/**
 * The exports of a module that defines programs, whatever kind of module it is.
 *
 * Node finds the names of a CommonJS module by reading its text, and misses most of those that one assignment to
 * `module.exports` gives. The namespace has that object as `default`, so its names count as exports, too.
 *
 * Boundary: a namespace in, names and values out.
 */
type Exports = Readonly<Record<string, unknown>>

/** Objects without a class: a program, a layer and an array are none. */
const isPlain = (value: unknown): value is Exports =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The exports of a namespace. Those of its own come before those of `default`. */
export const exportsOf = (module: Exports): Exports => {
  const whole = module["module.exports"] ?? module["default"]
  return isPlain(whole) ? { ...whole, ...module } : module
}
