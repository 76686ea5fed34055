/**
 * Items in columns: the order in which few lines cross, and heights at which an item stands beside its neighbours.
 *
 * Columns are put in order by the middle of their neighbours, to and fro; then each is moved to where its items are nearest to
 * their neighbours. Boundary: pure; the order and the heights of items are set in place.
 */

/** A node, or the place where a line goes through a column. */
export interface Item {
  readonly key: string
  readonly column: number
  readonly height: number
  /** Neighbours in the column before, and in the one after. */
  readonly before: Array<Item>
  readonly after: Array<Item>
  row: number
  /** The middle. */
  y: number
}

/** Tuning: walks over the columns, to order them and to move them. More change little. */
const walks = { order: 6, settle: 40 }

const mean = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

/**
 * The places nearest to those that are wished, in this order and with these gaps between: the least squares, by pooling
 * neighbours that would overlap.
 */
const apart = (items: ReadonlyArray<Item>, wished: ReadonlyArray<number>, gapY: number): void => {
  const offsets: Array<number> = []
  items.forEach(({ height }, index) => {
    const before = items[index - 1]
    offsets.push(before === undefined ? 0 : (offsets[index - 1] ?? 0) + (before.height + height) / 2 + gapY)
  })
  const pools: Array<{ sum: number; count: number }> = []
  wished.forEach((y, index) => {
    let pool = { sum: y - (offsets[index] ?? 0), count: 1 }
    for (let last = pools.at(-1); last !== undefined && last.sum / last.count >= pool.sum / pool.count;) {
      pools.pop()
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count }
      last = pools.at(-1)
    }
    pools.push(pool)
  })
  const places = pools.flatMap(({ count, sum }) => Array.from({ length: count }, () => sum / count))
  items.forEach((item, index) => (item.y = (places[index] ?? 0) + (offsets[index] ?? 0)))
}

const renumber = (column: ReadonlyArray<Item>): void => column.forEach((item, row) => (item.row = row))

/** Puts each column in the order of the middle of its neighbours on one side. */
export function* order(columns: ReadonlyArray<Array<Item>>): Generator<undefined, void> {
  for (let walk = 0; walk < walks.order; walk++) {
    const isForth = walk % 2 === 0
    for (const column of isForth ? columns : columns.toReversed()) {
      const wished = new Map(
        column.map((item) => {
          const near = isForth ? item.before : item.after
          return [item, near.length === 0 ? item.row : mean(near.map(({ row }) => row))]
        })
      )
      column.sort((a, b) => (wished.get(a) ?? 0) - (wished.get(b) ?? 0) || a.row - b.row)
      renumber(column)
      yield
    }
  }
}

/** Moves the items of each column to where they are nearest to their neighbours. `gapY`: between two of a column. */
export function* settle(columns: ReadonlyArray<ReadonlyArray<Item>>, gapY: number): Generator<undefined, void> {
  for (const column of columns)
    apart(
      column,
      column.map(() => 0),
      gapY
    )
  for (let walk = 0; walk < walks.settle; walk++) {
    for (const column of walk % 2 === 0 ? columns : columns.toReversed()) {
      const near = column.map(({ after, before }) => [...before, ...after])
      apart(
        column,
        column.map(({ y }, index) => {
          const others = near[index] ?? []
          return others.length === 0 ? y : mean(others.map((other) => other.y))
        }),
        gapY
      )
      yield
    }
  }
}
