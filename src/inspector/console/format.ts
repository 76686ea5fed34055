/** Numbers, times and states as people read them. Boundary: values to text. */
import { span } from "../../outcome/span.ts"
import type * as Shapes from "../../server/shapes.ts"
import { printed } from "./printed.ts"
import { beginning } from "./text.ts"

type State = typeof Shapes.State.Type

export { span }

const grouped = new Intl.NumberFormat("en-US")

export const number = (n: number): string => grouped.format(n)

export const plural = (n: number, word: string): string => `${number(n)} ${word}${n === 1 ? "" : "s"}`

/** A number in at most four characters: 1234567 is 1.2M. */
export const short = (n: number): string => {
  if (n < 10_000) return number(Math.round(n))
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3]
  ] as const) {
    if (n >= size) return `${n / size < 10 ? (n / size).toFixed(1) : Math.round(n / size)}${unit}`
  }
  return number(n)
}

export const bytes = (n: number): string => {
  for (const [unit, size] of [
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3]
  ] as const) {
    if (n >= size) return `${(n / size).toFixed(n / size < 10 ? 1 : 0)} ${unit}`
  }
  return `${number(n)} B`
}

export const ago = (at: number, now: number): string =>
  now - at < 1_000
    ? "now"
    : `${span(1_000 * Math.floor((now - at) / 1_000))
        .replace(/ \d+ s$/, "")
        .replace(".0 s", " s")} ago`

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" })

export const time = (at: number): string => clock.format(at)

const exactClock = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3
})

/** A time to the millisecond. */
export const exactTime = (at: number): string => exactClock.format(at)

const padded = (n: number, length = 2): string => String(n).padStart(length, "0")

/** The time since a beginning, as a clock shows it: 3.214 s, 12:05.2, 3:20:05, 2 d 03:20:05. */
export const since = (ms: number): string => {
  const whole = Math.round(ms)
  if (whole < 60_000) return `${Math.floor(whole / 1_000)}.${padded(whole % 1_000, 3)} s`
  const seconds = Math.floor(whole / 1_000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${padded(seconds % 60)}.${Math.floor((whole % 1_000) / 100)}`
  const hours = Math.floor(minutes / 60)
  const rest = `${padded(minutes % 60)}:${padded(seconds % 60)}`
  return hours < 24 ? `${hours}:${rest}` : `${Math.floor(hours / 24)} d ${padded(hours % 24)}:${rest}`
}

/** How a state looks: its colour says whether somebody has to do something. */
export const toneOf = (state: State | "unfinished"): "live" | "good" | "bad" | "warn" | "idle" => {
  switch (state) {
    case "running":
    case "unfinished":
      return "live"
    case "converged":
      return "good"
    case "failed":
    case "quarantined":
      return "bad"
    case "awaiting":
    case "budget-exhausted":
      return "warn"
    default:
      return "idle"
  }
}

/** A value in one short line. */
export const brief = (value: unknown, limit = 160): string => {
  const { isWhole, text } =
    typeof value === "string"
      ? { text: beginning(value, limit), isWhole: value.length <= limit }
      : printed(value, limit, 0)
  return isWhole ? text : `${text}…`
}
