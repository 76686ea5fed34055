/** The sum of a fold: exact, rounded once, and the same in every order, also near the largest number. */
import { describe, expect, it } from "vitest"
import { ExactSum } from "../../src/values/exactSum.ts"
import { randomOf } from "../support/core/random.ts"

const sumOf = (...numbers: ReadonlyArray<number>): number => {
  const sum = new ExactSum()
  for (const number of numbers) sum.add(number)
  return sum.value
}

const orders = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length < 2
    ? [items]
    : items.flatMap((item, at) => orders(items.filter((_, place) => place !== at)).map((rest) => [item, ...rest]))

const most = Number.MAX_VALUE

describe("an exact sum", () => {
  it("overflows in no order in between", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<number>, number]> = [
      [[1e308, 1e308, -1e308], 1e308],
      [[1e308, 1e308, -1e308, -1e308], 0],
      [[most, most, -most, 1], most],
      [[most, most, -most, -most, 3, 0.25], 3.25],
      [[2 ** 970, 5e-324, -(2 ** 970)], 5e-324],
      [[most, 2 ** 969, -(2 ** 969)], most],
      [[2 ** 1000, 1, -(2 ** 999), -(2 ** 999), 2 ** -60], 1]
    ]
    for (const [numbers, expected] of cases) for (const order of orders(numbers)) expect(sumOf(...order)).toBe(expected)
  })

  it("rounds once, to the nearest number and of two as near to the even one", () => {
    const half = 2 ** 970
    expect(sumOf(most, half / 2)).toBe(most)
    expect(sumOf(most - half * 2, half, -5e-324)).toBe(most - half * 2)
    expect(sumOf(2 ** 1023, half)).toBe(2 ** 1023)
    expect(sumOf(2 ** 1023, half, 5e-324)).toBe(2 ** 1023 + half * 2)
    expect(sumOf(-(2 ** 1023), -half, -5e-324)).toBe(-(2 ** 1023) - half * 2)
  })

  it("throws for a sum that no number can hold, and has the right one when that is gone", () => {
    for (const order of orders([most, most, -1])) expect(() => sumOf(...order)).toThrow(RangeError)
    const sum = new ExactSum()
    sum.add(most)
    sum.add(most)
    expect(() => sum.value).toThrow("the sum is larger than a number can be")
    sum.add(-most)
    expect(sum.value).toBe(most)
  })

  it("is that of whole numbers, for numbers of every size in random orders", () => {
    const random = randomOf(7).below
    for (let round = 0; round < 300; round++) {
      const numbers = Array.from({ length: 12 }, () => {
        const exponent = random(1_000) + (random(2) === 0 ? 20 : -970)
        return (random(2) === 0 ? 1 : -1) * (1 + random(1_000_000)) * 2 ** Math.min(exponent, 1_003)
      })
      const whole = (number: number): bigint => {
        let bits = 0
        let scaled = number
        while (!Number.isInteger(scaled)) {
          scaled *= 2
          bits++
        }
        return BigInt(scaled) << BigInt(1_074 - bits)
      }
      const exact = numbers.reduce((sum, number) => sum + whole(number), 0n)
      const found = sumOf(...numbers)
      expect(sumOf(...numbers.toReversed())).toBe(found)
      // No neighbour of the sum is nearer.
      const off = (number: number): bigint => (whole(number) > exact ? whole(number) - exact : exact - whole(number))
      const step = Math.abs(found) * 2 ** -53
      for (const other of [found + step, found - step]) expect(off(found) <= off(other)).toBe(true)
    }
  })
})
