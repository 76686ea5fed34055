/**
 * The clock of the browser, and by how much that of the server differs.
 *
 * A page that a server wrote hears the server's time with each answer. Boundary: the only file of the console that reads the
 * clock.
 */
import { signal } from "@preact/signals"
import { ClockOffset } from "./clockOffset.ts"

/** Milliseconds since the epoch by the browser's clock, which somebody may set while the page is open. */
export const clockMs = (): number => Date.now()

/** Milliseconds since the page began, for the time between two moments: setting a clock does not move it. */
export const sinceBegin = (): number => performance.now()

const heard = new ClockOffset()

/** Milliseconds to add to the browser's clock, as far as answers have told. */
export const offsetMs = signal(0)

/** The time that a `Date` header tells, which has seconds. A busy server may write that of a second before. */
const toldBy = (date: string): { readonly from: number; readonly to: number } => {
  const from = Date.parse(date)
  return { from, to: from + 2_000 }
}

/** Takes the server's time from an answer: a number, or the text of a header. `sentAt`: the browser's time of the request. */
export const hearServerTime = (sentAt: number, told: number | string): void => {
  const { from, to } = typeof told === "number" ? { from: told, to: told } : toldBy(told)
  if (Number.isNaN(from)) return
  heard.hear({ sentAt, heardAt: clockMs() }, { from, to })
  offsetMs.value = heard.ms
}
