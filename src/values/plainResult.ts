/**
 * The results of functions that must be plain ones: what a program's own callbacks give, at once.
 *
 * An async function gives a promise, a generator function a generator, and a function that builds an Effect gives that. Each is
 * an object, and none is a result: as an output it would be `{}`, and where a truth is asked for it would be true.
 *
 * Boundary: looks at a result, and lets nothing of it go on; loads nothing.
 */
import { readField } from "./thrown.ts"

/** The key by which Effect knows its effects. */
const effectKey = "~effect/Effect"

const nothing = (): void => undefined

/** Has a promise that nobody awaits tell its rejection to a function, or to nobody: unheard, it would end the process. */
export const hear = (value: unknown, onRejection: (error: unknown) => void = nothing): void => {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return
  const then = readField(value, "then")
  if (typeof then !== "function") return
  try {
    Reflect.apply(then, value, [nothing, onRejection])
  } catch {
    // It only looks like a promise.
  }
}

/** The name of a result that is none: a promise, an Effect or a generator. Undefined for any other value. */
export const laterOf = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  try {
    if ("then" in value && typeof value.then === "function") return "a promise"
    if (effectKey in value) return "an Effect"
    const tag = Object.prototype.toString.call(value)
    return tag === "[object Generator]" || tag === "[object AsyncGenerator]" ? "a generator" : undefined
  } catch {
    // A proxy that throws is refused where it is read.
    return undefined
  }
}

/** Why a result is refused; undefined for one that is there at once. A promise that is refused is heard. */
export const refusalOf = (value: unknown): string | undefined => {
  const later = laterOf(value)
  if (later === undefined) return undefined
  hear(value)
  return `returned ${later}; use a plain function`
}

/** The result of a function that messages call `name`. @throws TypeError for a promise, an Effect or a generator */
export const plainly = <A>(name: string, result: A): A => {
  const refusal = refusalOf(result)
  if (refusal !== undefined) throw new TypeError(`${name} ${refusal}`)
  return result
}
