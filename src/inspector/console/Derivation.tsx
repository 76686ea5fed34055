/**
 * The derivation of a fact, both ways: what it follows from on the left, what follows from it on the right.
 *
 * A picture of columns by depth, with lines between them. Every fact in it is a link, so keyboard and screen readers walk it
 * as a list. Large derivations show their nearest part, and say how much is left out.
 */
import { useSignal } from "@preact/signals"
import { useLayoutEffect, useRef } from "preact/hooks"
import type { Explanation, Fact } from "./api.ts"
import { number, plural } from "./format.ts"
import { FactLink } from "./links.tsx"

/** Facts of a column, and columns on the left. */
const perColumn = 8
const columnsShown = 3
const nodeWidth = 190
const nodeHeight = 34
const gapX = 46
const gapY = 10

interface Placed {
  readonly key: string
  readonly fact: Pick<Fact, "kind" | "id" | "provenance">
  readonly column: number
  readonly row: number
}

interface Picture {
  readonly nodes: ReadonlyArray<Placed>
  readonly lines: ReadonlyArray<readonly [from: Placed, to: Placed]>
  readonly left: number
}

/** Columns of causes, nearest first: each fact stands in the first column that needs it. */
const pictureOf = ({ nodes }: Explanation, follows: ReadonlyArray<Fact>, columns: number): Picture => {
  const placed = new Map<number, Placed>()
  const lines: Array<readonly [Placed, Placed]> = []
  const rows: Array<number> = []
  const place = (index: number, column: number): Placed | undefined => {
    const known = placed.get(index)
    if (known !== undefined) return known
    const node = nodes[index]
    const row = rows[column] ?? 0
    if (node === undefined || row >= perColumn) return undefined
    rows[column] = row + 1
    const made: Placed = { key: String(index), fact: node, column: -column, row }
    placed.set(index, made)
    return made
  }
  let wave = [0]
  let missing = 0
  place(0, 0)
  for (let column = 1; column <= columns && wave.length > 0; column++) {
    const next: Array<number> = []
    for (const index of wave) {
      const to = placed.get(index)
      for (const cause of nodes[index]?.causes ?? []) {
        const isNew = !placed.has(cause)
        const from = place(cause, column)
        if (from === undefined || to === undefined) missing++
        else lines.push([from, to])
        if (isNew && from !== undefined) next.push(cause)
      }
      missing += nodes[index]?.omitted ?? 0
    }
    wave = next
  }
  const center = placed.get(0)
  const right = follows.slice(0, perColumn).map((fact, row): Placed => ({ key: `r${row}`, fact, column: 1, row }))
  if (center !== undefined) for (const node of right) lines.push([center, node])
  return { nodes: [...placed.values(), ...right], lines, left: missing + Math.max(0, nodes.length - placed.size) }
}

const Drawing = ({ lines, nodes }: Pick<Picture, "lines" | "nodes">) => {
  const first = Math.min(...nodes.map(({ column }) => column))
  const last = Math.max(...nodes.map(({ column }) => column))
  const height = Math.max(...nodes.map(({ row }) => row + 1)) * (nodeHeight + gapY)
  const counts = new Map<number, number>()
  for (const { column } of nodes) counts.set(column, (counts.get(column) ?? 0) + 1)
  const xOf = (column: number): number => (column - first) * (nodeWidth + gapX)
  const yOf = ({ column, row }: Placed): number =>
    (height - (counts.get(column) ?? 1) * (nodeHeight + gapY)) / 2 + row * (nodeHeight + gapY)
  const width = (last - first) * (nodeWidth + gapX) + nodeWidth
  return (
    <div style={{ width: `${width}px`, height: `${height}px` }}>
      <svg width={width} height={height} aria-hidden="true">
        {lines.map(([from, to]) => {
          const x1 = xOf(from.column) + nodeWidth
          const x2 = xOf(to.column)
          const y1 = yOf(from) + nodeHeight / 2
          const y2 = yOf(to) + nodeHeight / 2
          return (
            <path
              key={`${from.key}>${to.key}`}
              d={`M${x1} ${y1} C${x1 + gapX / 2} ${y1} ${x2 - gapX / 2} ${y2} ${x2} ${y2}`}
            />
          )
        })}
      </svg>
      {nodes.map((node) => (
        <span
          key={node.key}
          class={node.key === "0" ? "node center" : "node"}
          style={{
            left: `${xOf(node.column)}px`,
            top: `${yOf(node)}px`,
            width: `${nodeWidth}px`,
            height: `${nodeHeight}px`
          }}
        >
          <FactLink fact={node.fact} />
          <small>cycle {number(node.fact.provenance.cycle)}</small>
        </span>
      ))}
    </div>
  )
}

export const Derivation = ({
  explanation,
  followed,
  follows
}: {
  readonly explanation: Explanation
  readonly follows: ReadonlyArray<Fact>
  /** How many facts follow from it, also of those that are not in the list. */
  readonly followed: number
}) => {
  const columns = useSignal(columnsShown)
  const box = useRef<HTMLDivElement>(null)
  // The fact itself is in sight, with what it follows from before it.
  useLayoutEffect(() => {
    const { current } = box
    const center = current?.querySelector<HTMLElement>(".center")
    if (current === null || center === null || center === undefined) return
    current.scrollLeft = center.offsetLeft + center.offsetWidth / 2 - current.clientWidth / 2
  }, [explanation, follows, columns.value])
  const { left, lines, nodes } = pictureOf(explanation, follows, columns.value)
  if (nodes.length < 2) return <p class="soft">It follows from nothing, and nothing follows from it.</p>
  return (
    <section>
      <h3>
        Derivation <small>{left > 0 ? `${plural(left, "fact")} more` : ""}</small>
      </h3>
      <div
        class="derivation"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label="What the fact follows from, and what follows from it"
      >
        <Drawing lines={lines} nodes={nodes} />
      </div>
      {followed > perColumn ? (
        <p class="soft">
          {number(followed)} facts follow from it, of which {perColumn} are drawn.
        </p>
      ) : null}
      {left > 0 ? (
        <button type="button" onClick={() => (columns.value += 2)}>
          further back
        </button>
      ) : null}
    </section>
  )
}
