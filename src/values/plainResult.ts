/**
 * Checks the results of a program's own callbacks, which must be plain functions.
 *
 * An async function returns a promise, a generator function returns a generator, and a function may build an Effect. Each is an
 * object and no result: as an output it would be `{}`, and as a condition it would be true.
 *
 * Boundary: inspects a result and runs nothing of it; loads nothing but `Limits` and thrown.ts.
 */
import { Limits } from "../Limits.ts"
import { readField } from "./thrown.ts"

/** The key with which Effect marks its effects. */
const effectKey = "~effect/Effect"

const nothing = (): void => undefined

/** Handles the rejection of a promise that nobody awaits: unhandled, it would end the process. `onRejection` gets the error. */
export const hear = (value: unknown, onRejection: (error: unknown) => void = nothing): void => {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return
  const then = readField(value, "then")
  if (typeof then !== "function") return
  try {
    Reflect.apply(then, value, [nothing, onRejection])
  } catch {
    // The value only looks like a promise.
  }
}

/** Returns the name of a promise, an Effect or a generator. Undefined for any other value. */
export const laterOf = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  try {
    if ("then" in value && typeof value.then === "function") return "a promise"
    if (effectKey in value) return "an Effect"
    const tag = Object.prototype.toString.call(value)
    return tag === "[object Generator]" || tag === "[object AsyncGenerator]" ? "a generator" : undefined
  } catch {
    // Later code refuses a proxy that throws.
    return undefined
  }
}

/** Returns the reason to refuse a result, or undefined for a plain one. The rejection of a refused promise is handled. */
export const refusalOf = (value: unknown): string | undefined => {
  const later = laterOf(value)
  if (later === undefined) return undefined
  hear(value)
  return `returned ${later}; use a plain function`
}

/** Returns a plain result. Messages call the function `name`. @throws TypeError for a promise, an Effect or a generator */
export const plainly = <A>(name: string, result: A): A => {
  const refusal = refusalOf(result)
  if (refusal !== undefined) throw new TypeError(`${name} ${refusal}`)
  return result
}

/** Gives the items of an array, or the fields of a plain object, with their keys. */
function* partsOf(value: unknown): Generator<readonly [key: string | number, part: unknown]> {
  if (typeof value !== "object" || value === null) return
  try {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) yield [index, value[index]]
    } else if (prototype === Object.prototype || prototype === null) {
      for (const key in value) yield [key, readField(value, key)]
    }
  } catch {
    // A proxy threw.
  }
}

interface Found {
  readonly value: unknown
  readonly key: string | number
  readonly within: Found | undefined
}

const placeOf = ({ key, within }: Found): string =>
  within === undefined ? "" : `${placeOf(within)}[${JSON.stringify(key)}]`

/**
 * Returns a result that is plain, also inside of arrays and objects, as far as it is searched: a `map` with an async function
 * gives a list of promises. @throws TypeError as `plainly` does, with the place
 */
export const plainlyWithin = <A>(name: string, result: A): A => {
  plainly(name, result)
  const found: Array<Found> = [{ value: result, key: "", within: undefined }]
  const seen = new Set<unknown>([result])
  let refusal: string | undefined
  let left: number = Limits.outputSearched
  for (let index = 0; index < found.length; index++) {
    const within = found[index]!
    for (const [key, value] of partsOf(within.value)) {
      // The others of a list of promises are heard, too.
      if (left-- <= 0 && refusal === undefined) return result
      if (typeof value !== "object" || value === null || seen.has(value)) continue
      seen.add(value)
      const part: Found = { value, key, within }
      found.push(part)
      const later = laterOf(value)
      if (later === undefined) continue
      hear(value)
      refusal ??= `${name} returned ${later} at ${placeOf(part)}; use a plain function`
    }
  }
  if (refusal !== undefined) throw new TypeError(refusal)
  return result
}
