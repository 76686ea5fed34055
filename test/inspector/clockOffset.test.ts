/** A page goes by the server's clock, whatever that of the browser says. */
import { expect, it } from "vitest"
import { ClockOffset } from "../../src/inspector/console/clockOffset.ts"

/** An answer of the server at a time, which came to a browser whose clock is wrong by `wrong`, after some milliseconds. */
const answered = (clock: ClockOffset, at: number, wrong: number, told: "exact" | "seconds" = "exact"): void => {
  const second = Math.floor(at / 1_000) * 1_000
  const from = told === "exact" ? at : second
  clock.hear({ sentAt: at + wrong - 4, heardAt: at + wrong + 9 }, { from, to: told === "exact" ? at : second + 2_000 })
}

it.each([600_000, -600_000])("goes by exact times where the browser's clock is wrong by %d ms", (wrong) => {
  const clock = new ClockOffset()
  answered(clock, 5_400, wrong)
  expect(Math.abs(clock.ms + wrong)).toBeLessThan(10)
})

it("goes by times in seconds where there are no others, and by exact ones as soon as there are", () => {
  const clock = new ClockOffset()
  answered(clock, 5_400, 600_000, "seconds")
  expect(Math.abs(clock.ms + 600_000)).toBeLessThan(2_000)
  answered(clock, 6_400, 600_000)
  const exact = clock.ms
  expect(Math.abs(exact + 600_000)).toBeLessThan(10)
  answered(clock, 7_400, 0, "seconds")
  expect(clock.ms).toBe(exact)
})

it("leaves a right clock as it is", () => {
  const clock = new ClockOffset()
  for (const at of [5_001, 6_500, 7_999]) {
    answered(clock, at, 0, "seconds")
    answered(clock, at, 0)
  }
  expect(clock.ms).toBe(0)
})

it("begins anew when the browser's clock was set", () => {
  const clock = new ClockOffset()
  answered(clock, 5_400, 600_000)
  answered(clock, 6_400, 0)
  expect(Math.abs(clock.ms)).toBeLessThan(10)
  answered(clock, 7_400, -90_000)
  expect(Math.abs(clock.ms - 90_000)).toBeLessThan(10)
})
