/** Orders as CSV, from a seed: the same text for the same numbers. About one line in fifty breaks a rule, one in a hundred repeats. */

/** Random whole numbers of at least 0 and below a limit: the generator "mulberry32". */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

/** A line whose every field is in order. */
const line = (order: number, random: (limit: number) => number): string =>
  [
    `A${order}`,
    `customer ${random(500)}`,
    1 + random(20),
    `${random(400)}.${String(random(100)).padStart(2, "0")}`,
    `2026-${String(1 + random(12)).padStart(2, "0")}-${String(1 + random(28)).padStart(2, "0")}`
  ].join(",")

/** Faults that the fields of real files have. */
const faults: ReadonlyArray<(fields: ReadonlyArray<string>) => ReadonlyArray<string>> = [
  (fields) => fields.slice(0, 4),
  (fields) => fields.with(1, ""),
  (fields) => fields.with(2, "-3"),
  (fields) => fields.with(3, "12,5"),
  (fields) => fields.with(3, "free"),
  (fields) => fields.with(4, "2026-02-30")
]

/** A header and `rows` lines. */
export const csv = (rows: number, seed: number): string => {
  const random = randomOf(seed)
  const lines = ["order,customer,quantity,price,day"]
  for (let row = 0; row < rows; row++) {
    const order = row > 0 && random(100) === 0 ? random(row) : row
    const good = line(order, random)
    const fault = random(50) === 0 ? faults[random(faults.length)] : undefined
    lines.push(fault === undefined ? good : fault(good.split(",")).join(","))
  }
  return `${lines.join("\n")}\n`
}
