/**
 * Checks options. Each layer and function with options has a table with a rule for each of them.
 *
 * Without the check, an untyped caller, an unset environment variable or a misspelt name would silently give a default, a limit
 * of 0 or no limit at all. The first complaint names the option, the given value and the allowed values. The caller puts it into
 * its own error. The type of a table demands a rule for each option of its interface.
 *
 * Boundary: values in, a complaint out. It reads each value once, and never throws.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { InvalidOptions } from "./InvalidOptions.ts"
import { typeOf } from "./panic.ts"

/** The fault of an option, and the option's name. */
export interface Complaint {
  readonly option: string
  readonly message: string
}

/** Judges the value of an option. It is also called for missing options. */
export type Rule = (option: string, value: unknown) => Complaint | undefined

/** A rule for each option. */
export type Rules<O> = { readonly [Name in keyof O]-?: Rule }

/** The maximum number of characters of a text in a complaint. */
const shownLength = 60

/** Returns the text of a value for a complaint. */
const shown = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > shownLength ? `${value.slice(0, shownLength)}...` : value)
    case "number":
    case "bigint":
    case "boolean":
    case "undefined":
      return String(value)
    case "function":
      return "a function"
    case "symbol":
      return "a symbol"
    default:
      return typeOf(value)
  }
}

/** Makes a rule for values that `accepts` admits and `expected` describes. An optional option may be undefined. */
export const must = (expected: string, accepts: (value: unknown) => boolean, isRequired = false): Rule => {
  return (option, value) =>
    (value === undefined && !isRequired) || accepts(value)
      ? undefined
      : { option, message: `${option} must be ${expected}, not ${shown(value)}` }
}

/** A rule that admits any value, because other code judges the option. */
export const anything: Rule = () => undefined

/** `"a", "b" or "c"`. */
const either = (texts: ReadonlyArray<string>): string =>
  texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`

export const oneOf = (...values: ReadonlyArray<string>): Rule =>
  must(
    either(values.map((value) => JSON.stringify(value))),
    (value) => typeof value === "string" && values.includes(value)
  )

export const isTrueOrFalse: Rule = must("true or false", (value) => typeof value === "boolean")

export const text: Rule = must("a string", (value) => typeof value === "string")

export const nonEmptyText: Rule = must(
  "a string that is not empty",
  (value) => typeof value === "string" && value !== ""
)

export const callable = (isRequired = false): Rule =>
  must("a function", (value) => typeof value === "function", isRequired)

/** Whole numbers of at least `least`, and at most `most`. */
export const whole = (least: number, most?: number): Rule =>
  must(
    most === undefined ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= (most ?? Infinity)
  )

/** Whole numbers of at least `least`, and Infinity, which means no limit. */
export const count = (least: number): Rule =>
  must(
    `a whole number of at least ${least}, or Infinity`,
    (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= least)
  )

/** Numbers of at least `least`, whole or not, and Infinity if `isEndless` is set. */
export const number = (least: number, isEndless = false): Rule =>
  must(
    `a number of at least ${least}${isEndless ? ", or Infinity" : ""}`,
    (value) => typeof value === "number" && value >= least && (isEndless || value !== Infinity)
  )

const units: ReadonlySet<string> = new Set<keyof Duration.DurationObject>([
  ...(["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"] as const)
])

/** Whether `Duration` would misread a value. It reads NaN, and an object with other keys, as zero. */
const isMisread = (value: unknown): boolean => {
  if (Number.isNaN(value)) return true
  if (typeof value !== "object" || value === null || Duration.isDuration(value)) return false
  if (Array.isArray(value)) return value.some((part) => Number.isNaN(part))
  const parts = Object.entries(value)
  return parts.length === 0 || !parts.every(([unit, n]) => units.has(unit) && (n === undefined || Number.isFinite(n)))
}

/** Returns the milliseconds of a duration, or NaN for any other value. */
export const millisOf = (value: unknown): number => {
  if (isMisread(value)) return Number.NaN
  const duration = Duration.fromInput(value as Duration.Input)
  return Option.isSome(duration) ? Duration.toMillis(duration.value) : Number.NaN
}

/** The example of a duration in complaints, for a reader who misspelt a unit. */
const example = 'such as "5 seconds"'

const range = (leastMs: number, mostMs: number): string => {
  if (mostMs < Infinity) return ` from ${leastMs} ms to ${mostMs} ms,`
  return leastMs === 0 ? "" : ` of at least ${leastMs} ms,`
}

/** Durations from `leastMs` to `mostMs` milliseconds. */
export const duration = (leastMs = 0, mostMs = Infinity): Rule =>
  must(`a duration${range(leastMs, mostMs)} ${example}`, (value) => {
    const ms = millisOf(value)
    return ms >= leastMs && ms <= mostMs
  })

/** Durations longer than 0. */
export const timeout: Rule = must(`a duration longer than 0, ${example}`, (value) => millisOf(value) > 0)

/** Arrays of items that a function admits: `listOf("programs", "a program", isProgram)`. */
export const listOf = (
  plural: string,
  singular: string,
  isItem: (value: unknown) => boolean,
  isRequired = false
): Rule => {
  const list = must(`an array of ${plural}`, Array.isArray, isRequired)
  return (option, value) => {
    const complaint = list(option, value)
    if (complaint !== undefined || value === undefined) return complaint
    // The copy is needed because the array may have replaced methods.
    const index = [...(value as ReadonlyArray<unknown>)].findIndex((item) => !isItem(item))
    return index === -1 ? undefined : { option, message: `${option}[${index}] is not ${singular}` }
  }
}

/** Applies a rule, and then another. */
export const both = (first: Rule, second: Rule): Rule => {
  return (option, value) => first(option, value) ?? (value === undefined ? undefined : second(option, value))
}

/** Options within an option, with their own table. */
export const nested = <O>(rules: Rules<O>): Rule => {
  return (option, value) => (value === undefined ? undefined : complaintOf(value, rules, option))
}

/** Returns the number of letters to add, leave out or replace to get from one text to another. */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [line, letter] of from.split("").entries()) {
    const next = [line + 1]
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1)
      next.push(Math.min(row[column]! + 1, next[column - 1]! + 1, replaced))
    }
    row = next
  }
  return row[to.length]!
}

/** Returns the name that a misspelt one most likely means, or undefined if none is near. */
const likely = (given: string, names: ReadonlyArray<string>): string | undefined => {
  if (given.length > shownLength) return undefined
  const small = given.toLowerCase()
  const near = names
    .map((name) => ({ name, far: distance(small, name.toLowerCase()) }))
    // The second half is for names such as `timeoutMs` and `file` instead of `timeout` and `filename`.
    .filter(
      ({ far, name }) =>
        far <= Math.max(2, name.length / 3) ||
        (small.length > 2 && (small.startsWith(name.toLowerCase()) || name.toLowerCase().startsWith(small)))
    )
    .toSorted((a, b) => a.far - b.far)
  return near[0]?.name
}

/** Makes the complaint about an unknown name. `what` is the kind of the names, such as an option, and `within` their owner. */
export const unknownName = (what: string, given: string, names: ReadonlyArray<string>, within = ""): string => {
  const meant = likely(given, names)
  const advice =
    meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${JSON.stringify(within + meant)}?`
  return `there is no ${what} ${shown(within + given)}; ${advice}`
}

/** Returns the first complaint about options. `within` is the option that holds them, if there is one. */
export const complaintOf = <O>(options: unknown, rules: Rules<O>, within?: string): Complaint | undefined => {
  const name = within ?? "options"
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return { option: within ?? "", message: `${name} must be an object, not ${shown(options)}` }
  }
  const names = Object.keys(rules)
  const unknown = Object.keys(options).find((key) => !names.includes(key))
  const prefix = within === undefined ? "" : `${within}.`
  if (unknown !== undefined) {
    return { option: prefix + unknown, message: unknownName("option", unknown, names, prefix) }
  }
  for (const [key, rule] of Object.entries<Rule>(rules)) {
    const complaint = rule(prefix + key, Reflect.get(options, key))
    if (complaint !== undefined) return complaint
  }
  return undefined
}

/**
 * Checks the options of a layer or a function.
 *
 * @throws InvalidOptions for the first invalid option
 */
export const checkOptions = <O>(of: string, options: unknown, rules: Rules<O>): void => {
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) throw invalidOptions(of, complaint)
}

/** Makes the error for a complaint. */
export const invalidOptions = (of: string, { message, option }: Complaint): InvalidOptions =>
  new InvalidOptions({ of, option, message: `${of}: ${message}` })

/**
 * Returns why a name cannot be used, or undefined if it can. `what`: the thing with the name, with its article. A lone surrogate
 * has no UTF-8 form: in a URL, a file or a log, two such names would be the same.
 */
export const complaintOfName = (what: string, name: unknown): string | undefined => {
  if (typeof name !== "string" || name === "") return `${what} needs a name that is not empty`
  return name.isWellFormed() ? undefined : `${what}'s name must be well-formed Unicode`
}
