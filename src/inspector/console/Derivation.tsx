/**
 * The derivation of a fact, both ways: what it follows from on the left, what follows from it on the right, or what would go
 * without it.
 *
 * A picture of columns with lines between them. Every fact in it is a link, so keyboard and screen readers walk it as a list;
 * arrow keys go to the next fact in their direction. A node "N more" draws those that it stands for, or leads to the lists
 * below, which have every fact. The address remembers what follows, and whether the picture has the width of the page.
 */
import { useSignal } from "@preact/signals"
import { useLayoutEffect, useMemo, useRef } from "preact/hooks"
import type { Explanation } from "./api.ts"
import { graphOf, type GraphNode } from "./derivationGraph.ts"
import { CauseList, FollowingList } from "./DerivationLists.tsx"
import { number, plural } from "./format.ts"
import { directions } from "./graphPlaces.ts"
import { nextPlace, type Placed, type Places, placesOf, widthsFor } from "./derivationPlaces.ts"
import { FactLink } from "./links.tsx"
import { Said } from "./parts.tsx"
import { change, route } from "./route.ts"
import type { FactRef, Lineage } from "./shapes.ts"

/** Facts that are drawn at first, rows of a column, and facts that are drawn at most. */
const drawnFirst = 60
const rowsFirst = 10
const drawnAtMost = 300

/** Rows that a node "N more" adds to its column. */
const rowsMore = 20

const FactNode = ({ node }: { readonly node: GraphNode }) => {
  if (node.fact === undefined) return null
  const { agent, cycle, origin } = node.fact.provenance
  return (
    <>
      <FactLink fact={node.fact} />
      <small>
        <Said text={agent || origin} limit={40} /> · cycle {number(cycle)}
      </small>
    </>
  )
}

interface DrawingProps {
  readonly places: Places
  readonly onMore: (node: GraphNode) => void
}

const Drawing = ({ onMore, places }: DrawingProps) => {
  const { height, nodeHeight, nodeWidth, nodes, paths, width } = places
  /** The node whose lines are lit. */
  const lit = useSignal<string | undefined>(undefined)
  return (
    <div
      style={{ width: `${width}px`, height: `${height}px` }}
      onKeyDown={(event) => {
        const to = directions[event.key]
        const own = event.target instanceof Element ? event.target.closest<HTMLElement>(".node") : null
        if (to === undefined || own === null || event.ctrlKey || event.altKey || event.metaKey) return
        const next = nextPlace(nodes, own.dataset["key"] ?? "", to)
        if (next === undefined) return
        event.preventDefault()
        const found = [...event.currentTarget.querySelectorAll<HTMLElement>(".node")].find(
          ({ dataset }) => dataset["key"] === next
        )
        found?.querySelector<HTMLElement>("a, button")?.focus()
      }}
    >
      <svg width={width} height={height} aria-hidden="true">
        <defs>
          <marker id="follows" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0 L8 4 L0 8 z" />
          </marker>
        </defs>
        {paths.map(({ d, line: { from, isByGone, to } }) => (
          <path
            key={`${from}>${to}`}
            class={[isByGone ? "byGone" : "", lit.value === from || lit.value === to ? "lit" : ""].join(" ")}
            d={d}
            marker-end="url(#follows)"
          />
        ))}
      </svg>
      {nodes.map(({ node, x, y }: Placed) => (
        <span
          key={node.key}
          data-key={node.key}
          class={`node${node.column === 0 ? " center" : ""}${node.fact === undefined ? " many" : ""}`}
          style={{ left: `${x}px`, top: `${y}px`, width: `${nodeWidth}px`, height: `${nodeHeight}px` }}
          onPointerEnter={() => (lit.value = node.key)}
          onPointerLeave={() => (lit.value = undefined)}
          onFocusCapture={() => (lit.value = node.key)}
          onBlurCapture={() => (lit.value = undefined)}
        >
          {node.fact === undefined ? (
            <button type="button" onClick={() => onMore(node)}>
              {number(node.count)} more
            </button>
          ) : (
            <FactNode node={node} />
          )}
        </span>
      ))}
    </div>
  )
}

/** The switch between all that follows and what would go, and the one for the width. */
const Choices = ({ follows, needs }: { readonly follows: number; readonly needs: number }) => {
  const { query } = route.value
  const isWithout = query["without"] === "1"
  const isWide = query["wide"] === "1"
  return (
    <div class="toolbar">
      {follows === 0 ? null : (
        <div class="choice" role="group" aria-label="Facts on the right">
          <button type="button" aria-pressed={!isWithout} onClick={() => change({ without: "" })}>
            {number(follows)} {follows === 1 ? "follows" : "follow"}
          </button>
          <button type="button" aria-pressed={isWithout} onClick={() => change({ without: "1" })}>
            {number(needs)} would go without it
          </button>
        </div>
      )}
      <button type="button" aria-pressed={isWide} onClick={() => change({ wide: isWide ? "" : "1" })}>
        full width
      </button>
    </div>
  )
}

/** Tuning: the padding of a box, both sides. */
const padding = 22

/** The width of an element, within its padding, as it changes. */
const useWidth = (box: { readonly current: HTMLElement | null }): number => {
  const width = useSignal(480)
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const measure = (): void => void (width.value = current.clientWidth - padding)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    return () => observer.disconnect()
  }, [box.current])
  return width.value
}

/** The node with a key has the focus. */
const focusOn = (box: HTMLElement | null, key: string | undefined): void => {
  const nodes = [...(box?.querySelectorAll<HTMLElement>(".node") ?? [])]
  const found = nodes.find(({ dataset }) => dataset["key"] === key)
  found?.querySelector<HTMLElement>("a, button")?.focus()
}

/** The last fact that is drawn of a column. */
const lastOf = ({ nodes }: Places, column: number): string | undefined => {
  const versionOf = ({ node }: Placed): number => node.fact?.provenance.version ?? 0
  const inColumn = nodes.filter(({ node }) => node.column === column && node.fact !== undefined)
  const inOrder = inColumn.toSorted((a, b) => versionOf(a) - versionOf(b))
  return (column < 0 ? inOrder[0] : inOrder.at(-1))?.node.key
}

interface PictureProps {
  readonly explanation: Explanation
  readonly shown: Lineage | undefined
  readonly label: string
  /** Opens the list of what is on one side. */
  readonly onList: (isBefore: boolean) => void
}

const Picture = ({ explanation, label, onList, shown }: PictureProps) => {
  /** Rows that were added to columns. */
  const added = useSignal<Readonly<Record<number, number>>>({})
  /** The column in which more was drawn: its last fact takes the focus of the node that is gone. */
  const wanted = useSignal<number | undefined>(undefined)
  const box = useRef<HTMLDivElement>(null)
  const { value: rows } = added
  const extra = Object.values(rows).reduce((sum, count) => sum + count, 0)
  const most = Math.min(drawnAtMost, drawnFirst + extra)
  const available = useWidth(box)
  const graph = useMemo(
    () => graphOf(explanation, shown, most, (column) => rowsFirst + (rows[column] ?? 0)),
    [explanation, shown, most, rows]
  )
  const places = useMemo(() => placesOf(graph, widthsFor(graph, available)), [graph, available])
  // The fact itself is in sight, with what it follows from before it.
  useLayoutEffect(() => {
    const { current } = box
    const center = current?.querySelector<HTMLElement>(".center")
    if (current === null || center === null || center === undefined) return
    current.scrollLeft = center.offsetLeft + center.offsetWidth / 2 - current.clientWidth / 2
    current.scrollTop = center.offsetTop + center.offsetHeight / 2 - current.clientHeight / 2
  }, [explanation, shown, places.nodeWidth])
  useLayoutEffect(() => {
    if (wanted.value === undefined) return
    focusOn(box.current, lastOf(places, wanted.value))
    wanted.value = undefined
  }, [places])
  const onMore = ({ canOpen, column }: GraphNode): void => {
    if (!canOpen || most >= drawnAtMost) return onList(column < 0)
    added.value = { ...rows, [column]: (rows[column] ?? 0) + rowsMore }
    wanted.value = column
  }
  return (
    <>
      <div class="derivation" ref={box} tabIndex={0} role="group" aria-label={label}>
        <Drawing places={places} onMore={onMore} />
      </div>
      {places.paths.some(({ line }) => line.isByGone) ? (
        <p class="soft">A broken line goes by facts that are not drawn, or by values that were changed or removed.</p>
      ) : null}
    </>
  )
}

export interface DerivationProps {
  readonly jobId: string
  /** Undefined for a fact whose id is too long for a question: then nothing is known of what follows. */
  readonly fact: FactRef | undefined
  readonly explanation: Explanation
  readonly follows: Lineage | undefined
  readonly needs: Lineage | undefined
}

export const Derivation = ({ explanation, fact, follows, jobId, needs }: DerivationProps) => {
  const lists = useRef<HTMLDivElement>(null)
  const isWithout = route.value.query["without"] === "1"
  const shown = isWithout ? needs : follows
  const followed = follows?.count ?? 0
  if (explanation.nodes.length < 2 && followed === 0)
    return <p class="soft">It follows from nothing, and nothing follows from it.</p>
  const onList = (isBefore: boolean): void => {
    const list = lists.current?.querySelector<HTMLDetailsElement>(isBefore ? ".causes" : ".following")
    if (list === null || list === undefined) return
    list.open = true
    list.querySelector("summary")?.focus()
  }
  return (
    <section class="derived">
      <h3>Derivation</h3>
      <Choices follows={followed} needs={needs?.count ?? 0} />
      <Picture
        explanation={explanation}
        shown={shown}
        label={`What the fact follows from, and ${isWithout ? "what would go without it" : "what follows from it"}`}
        onList={onList}
      />
      {needs !== undefined && needs.count > 0 ? (
        <p class="soft">Without this fact, {plural(needs.count, "fact")} would have no derivation left.</p>
      ) : null}
      <div class="lists" ref={lists}>
        <CauseList explanation={explanation} />
        {fact === undefined || shown === undefined ? null : (
          <FollowingList key={String(isWithout)} jobId={jobId} fact={fact} count={shown.count} isWithout={isWithout} />
        )}
      </div>
    </section>
  )
}
