/**
 * The graph of a program: kinds with the number of their facts, agents with their tasks, and intents with how often they were
 * asked for. An agent that runs is marked, and so is what the job has and the program does not declare.
 *
 * A kind opens its facts, an agent opens beside the graph, and an intent leads to the list of intents. Buttons, + and -, and the
 * wheel with ctrl zoom; 0 shows all; dragging and scrolling move. The arrow keys go from node to node, and Enter opens one.
 */
import { useSignal } from "@preact/signals"
import type { TargetedKeyboardEvent, TargetedPointerEvent, TargetedWheelEvent } from "preact"
import { useEffect, useLayoutEffect, useRef } from "preact/hooks"
import { AgentPane } from "./AgentPane.tsx"
import { type AgentNow, agentsNow, lineOf } from "./agentWork.ts"
import { number, plural, short } from "./format.ts"
import {
  beginScale,
  clampScale,
  directions,
  type GraphNode,
  type Laid,
  margin,
  nextNode,
  wholeScale
} from "./graphPlaces.ts"
import { at, isOver, tasks } from "./jobStore.ts"
import { useGradually, useKept, useNewest } from "./gradual.ts"
import { openKind } from "./links.tsx"
import { own } from "./own.ts"
import { visible } from "./parts.tsx"
import { change, route } from "./route.ts"
import { type Asked, askedByKind, intentsOf, nodeId } from "./programNodes.ts"
import type { Graph, TasksNow, Work } from "./shapes.ts"

const cut = (name: string): string => visible(name, 26)

/** The texts of a node: in its second line for agents and intents, beside its name for kinds, and for those who hear it. */
interface NodeText {
  readonly line: string
  readonly spoken: string
}

interface NodeProps {
  readonly node: GraphNode
  readonly text: NodeText
  readonly runs: boolean
  readonly isChosen: boolean
  /** Whether another node is chosen that has nothing to do with this one. */
  readonly isFar: boolean
  /** Whether the tabulator comes here. */
  readonly isStop: boolean
  readonly onOpen: (node: GraphNode) => void
  readonly onFocus: (node: GraphNode) => void
}

/** A text that fits into a node. */
const fit = (line: string, { width }: GraphNode): string => {
  const most = Math.floor(width / 5.6)
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** The words for a node that the program does not declare. */
const addedOf = ({ isAdded, sort }: GraphNode): string =>
  !isAdded
    ? ""
    : sort === "kind"
      ? "; no agent declares that it reads or writes it"
      : "; no agent declares that it asks for it"

const classOf = ({ isChosen, isFar, node: { isAdded, sort }, runs }: NodeProps): string =>
  ["node", sort, isAdded ? "added" : "", runs ? "runs" : "", isChosen ? "chosen" : "", isFar ? "far" : ""]
    .filter(Boolean)
    .join(" ")

const Node = (props: NodeProps) => {
  const { isChosen, isStop, node, onFocus, onOpen, runs, text } = props
  const { height, id, name, sort, width, x, y } = node
  const middle = x + width / 2
  const hasLine = sort !== "kind" && text.line !== ""
  return (
    <g
      class={classOf(props)}
      data-node={id}
      role="button"
      tabIndex={isStop ? 0 : -1}
      aria-label={`${cut(name)} ${text.spoken}`}
      aria-pressed={sort === "agent" ? isChosen : undefined}
      onClick={() => onOpen(node)}
      onFocus={() => onFocus(node)}
    >
      <title>{`${sort} ${visible(name)}${text.line === "" ? "" : `: ${text.spoken}`}${addedOf(node)}`}</title>
      <rect x={x} y={y} width={width} height={height} rx={sort === "agent" ? 8 : sort === "kind" ? height / 2 : 2} />
      {runs ? <circle class="pulse" cx={x + 13} cy={y + 16} r={4.5} /> : null}
      <text x={middle} y={hasLine ? y + 20 : y + height / 2 + 4.5} text-anchor="middle">
        {cut(name)}{" "}
        {text.line === "" ? null : hasLine ? (
          <tspan class="doing" x={middle} y={y + 37}>
            {fit(text.line, node)}
          </tspan>
        ) : (
          <tspan class="count">{text.line}</tspan>
        )}
      </text>
    </g>
  )
}

/** The room for a graph. Its box grows with the graph, up to a part of the window. */
const roomOf = (box: HTMLElement) => ({ width: box.clientWidth, height: innerHeight * 0.62 })

/** The scale of the graph, and what changes it without a jump of what is in sight. */
const useScale = (laid: Laid) => {
  const box = useRef<HTMLDivElement>(null)
  const scale = useSignal(0)
  /** The place in the graph that stays where it is in the box. */
  const kept = useRef<
    { readonly x: number; readonly y: number; readonly left: number; readonly top: number } | undefined
  >(undefined)
  useLayoutEffect(() => {
    if (box.current !== null) scale.value = beginScale(laid, roomOf(box.current))
  }, [laid])
  useLayoutEffect(() => {
    const { current } = kept
    kept.current = undefined
    if (current === undefined || box.current === null) return
    box.current.scrollLeft = current.x * scale.value - current.left
    box.current.scrollTop = current.y * scale.value - current.top
  }, [scale.value])
  const zoomTo = (next: number, left?: number, top?: number): void => {
    const { current } = box
    if (current === null) return
    const [atX, atY] = [left ?? current.clientWidth / 2, top ?? current.clientHeight / 2]
    const [x, y] = [(current.scrollLeft + atX) / scale.value, (current.scrollTop + atY) / scale.value]
    kept.current = { x, y, left: atX, top: atY }
    scale.value = clampScale(next)
  }
  return {
    box,
    scale: scale.value,
    zoom: (factor: number, left?: number, top?: number) => zoomTo(scale.value * factor, left, top),
    showAt: ({ height, width, x, y }: GraphNode) => {
      const { current } = box
      if (current === null) return
      current.scrollLeft = (x + width / 2) * scale.value - current.clientWidth / 2
      current.scrollTop = (y + height / 2) * scale.value - current.clientHeight / 2
    },
    showAll: () => {
      const { current } = box
      if (current !== null) zoomTo(wholeScale(laid, roomOf(current)))
    }
  }
}

type View = ReturnType<typeof useScale>

/** Dragging moves the graph. A press that moves little is a click. */
const useDrag = ({ box }: View) => {
  const from = useRef<
    { readonly x: number; readonly y: number; readonly left: number; readonly top: number } | undefined
  >(undefined)
  const hasMoved = useRef(false)
  return {
    onPointerDown: (event: TargetedPointerEvent<HTMLDivElement>) => {
      hasMoved.current = false
      from.current = undefined
      if (event.pointerType !== "mouse" || event.button !== 0) return
      const { scrollLeft: left, scrollTop: top } = event.currentTarget
      from.current = { x: event.clientX, y: event.clientY, left, top }
    },
    onPointerMove: (event: TargetedPointerEvent<HTMLDivElement>) => {
      const { current } = from
      if (current === undefined || event.buttons === 0 || box.current === null) return
      if (Math.hypot(event.clientX - current.x, event.clientY - current.y) > 4) hasMoved.current = true
      box.current.scrollLeft = current.left + current.x - event.clientX
      box.current.scrollTop = current.top + current.y - event.clientY
    },
    onClickCapture: (event: Event) => {
      if (hasMoved.current) event.stopPropagation()
    }
  }
}

/** Tuning: lines and nodes that are drawn with one frame. */
const step = { lines: 60, nodes: 25 }

const Edges = ({ chosen, laid }: { readonly laid: Laid; readonly chosen: string | undefined }) => {
  const keep = useKept()
  const drawn = useGradually(laid.edges.length, step.lines)
  return (
    <g class="edges">
      {laid.edges.slice(0, drawn).map((edge) => {
        const { from, points, to, verb } = edge
        const isNear = chosen !== undefined && (from === chosen || to === chosen)
        return keep(`${from}\n${to}`, [edge, isNear], () => (
          <path
            key={`${from}\n${to}`}
            class={isNear ? "edge near" : "edge"}
            d={points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join(" ")}
            marker-end={`url(#${isNear ? "nearArrow" : "arrow"})`}
          >
            <title>{verb}</title>
          </path>
        ))
      })}
    </g>
  )
}

interface NodesProps {
  readonly laid: Laid
  readonly chosen: string | undefined
  /** The node to which the tabulator comes. */
  readonly stop: string | undefined
  readonly now: ReadonlyMap<string, AgentNow>
  readonly textOf: (node: GraphNode) => NodeText
  readonly onOpen: (node: GraphNode) => void
  readonly onFocus: (node: GraphNode) => void
}

const Nodes = ({ chosen, laid, now, onFocus, onOpen, stop, textOf }: NodesProps) => {
  const keep = useKept()
  const drawn = useGradually(laid.nodes.length, step.nodes)
  const near = nearOf(laid, chosen)
  const opens = useNewest(onOpen)
  const focuses = useNewest(onFocus)
  return (
    <g>
      {laid.nodes.slice(0, drawn).map((node) => {
        const text = textOf(node)
        const runs = node.sort === "agent" && (now.get(node.name)?.running.length ?? 0) > 0
        const isChosen = node.id === chosen
        const isFar = near !== undefined && !near.has(node.id)
        const isStop = node.id === stop
        return keep(node.id, [node, text.line, text.spoken, runs, isChosen, isFar, isStop], () => (
          <Node key={node.id} {...{ node, text, runs, isChosen, isFar, isStop }} onOpen={opens} onFocus={focuses} />
        ))
      })}
    </g>
  )
}

const Marker = ({ id }: { readonly id: string }) => (
  <marker id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" />
  </marker>
)

/** Whether some agents run, and what the marks mean. */
const Toolbar = ({ running, view: { showAll, zoom } }: { readonly view: View; readonly running: number }) => (
  <div class="toolbar" role="toolbar" aria-label="Graph">
    <button type="button" aria-label="Zoom in" onClick={() => zoom(1.25)}>
      +
    </button>
    <button type="button" aria-label="Zoom out" onClick={() => zoom(1 / 1.25)}>
      −
    </button>
    <button type="button" onClick={showAll}>
      all
    </button>
    {running === 0 ? null : (
      <b class="runsNow" role="status">
        <i class="dot" aria-hidden="true" /> {plural(running, "agent")} {running === 1 ? "runs" : "run"} now
      </b>
    )}
    <small class="soft keys">
      + and - or ctrl and the wheel zoom · arrow keys and Enter: a kind's facts, an agent's tasks
    </small>
  </div>
)

interface Props {
  readonly found: Graph
  readonly laid: Laid
  readonly counts: Readonly<Record<string, number>>
  readonly work: Work | undefined
  readonly asked: Asked
  /** Whether there are older intents, which are not counted. */
  readonly hasMoreAsked: boolean
  /** The intents that wait for an answer, by kind; undefined if that is not known. */
  readonly open: ReadonlyMap<string, number> | undefined
}

/** The ids of a chosen node and of those around it. */
const nearOf = (laid: Laid, chosen: string | undefined): ReadonlySet<string> | undefined =>
  chosen === undefined
    ? undefined
    : new Set([chosen, ...laid.edges.flatMap(({ from, to }) => (from === chosen ? [to] : to === chosen ? [from] : []))])

/** The texts of nodes. */
const textsOf = ({ asked, counts, hasMoreAsked, open }: Props, now: ReadonlyMap<string, AgentNow>) => {
  const sums = askedByKind(asked)
  return ({ name, sort }: GraphNode): NodeText => {
    if (sort === "kind") {
      const count = own(counts, name) ?? 0
      return { line: short(count), spoken: plural(count, "fact") }
    }
    if (sort === "agent") {
      const line = lineOf(now.get(name))
      return { line, spoken: `${line}, agent` }
    }
    const waits = open?.get(name) ?? 0
    const line = `${hasMoreAsked ? "at least " : ""}${number(sums.get(name) ?? 0)} asked${waits === 0 ? "" : ` · ${number(waits)} open`}`
    return { line, spoken: `${line}, intent` }
  }
}

/** Where the keys of the graph lead. */
const keysOf = ({ box, showAll, zoom }: View, { nodes }: Laid, onOpen: (node: GraphNode) => void) => {
  const acts: Readonly<Record<string, () => void>> = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(1 / 1.25),
    "0": showAll
  }
  return (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const act = acts[event.key]
    const direction = directions[event.key]
    const focused = nodes.find(({ id }) => id === (document.activeElement as HTMLElement | null)?.dataset["node"])
    if (act !== undefined) act()
    else if (focused !== undefined && (event.key === "Enter" || event.key === " ")) onOpen(focused)
    else if (direction !== undefined && focused !== undefined) {
      const next = nextNode(nodes, focused, direction)
      const element = next && box.current?.querySelector<SVGElement>(`[data-node="${CSS.escape(next.id)}"]`)
      element?.focus()
      element?.scrollIntoView({ block: "nearest", inline: "nearest" })
    } else return
    event.preventDefault()
  }
}

/** Begins with the first node in sight, or with an agent that runs. It waits until that is known. */
const useBegin = (view: View, laid: Laid, now: TasksNow | undefined, isKnown: boolean): void => {
  const begun = useRef<Laid | undefined>(undefined)
  useEffect(() => {
    if (begun.current === laid || view.scale === 0 || (now === undefined && !isKnown)) return
    begun.current = laid
    const running = new Set(now?.running.map(({ agent }) => agent))
    const place = laid.nodes.find(({ name, sort }) => sort === "agent" && running.has(name))
    view.showAt(place ?? laid.nodes.reduce((first, node) => (node.x < first.x ? node : first)))
  })
}

/** Leads to the list of intents, if the job has any. */
const openIntents = (): void => {
  const list = document.querySelector<HTMLElement>('[role="region"][aria-label="Intents"]')
  list?.scrollIntoView({ block: "center" })
  list?.focus({ preventScroll: true })
}

/** Zooms by the wheel with ctrl. */
const wheelOf =
  (view: View) =>
  (event: TargetedWheelEvent<HTMLDivElement>): void => {
    if (!event.ctrlKey) return
    event.preventDefault()
    const box = event.currentTarget.getBoundingClientRect()
    view.zoom(event.deltaY > 0 ? 1 / 1.15 : 1.15, event.clientX - box.left, event.clientY - box.top)
  }

/** Opens a node. The chosen agent is closed. */
const openerOf =
  (chosen: string | undefined, choose: (agent: string) => void) =>
  ({ name, sort }: GraphNode): void => {
    if (sort === "agent") choose(name === chosen ? "" : name)
    else if (sort === "kind") openKind(name)
    else openIntents()
  }

export const ProgramGraph = (props: Props) => {
  const { asked, found, laid, work } = props
  const view = useScale(laid)
  const drag = useDrag(view)
  const isPresent = at.value === undefined && !isOver.value
  const now = agentsNow(isPresent ? tasks.value : undefined, work)
  const stop = useSignal<string | undefined>(undefined)
  const named = route.value.query["agent"]
  const agent = found.agents.find(({ name }) => name === named)
  const chosen = agent && nodeId("agent", agent.name)
  const choose = (name: string): void => change({ agent: name })
  const onOpen = openerOf(agent?.name, choose)
  const first = (laid.nodes.find(({ id }) => id === stop.value) ?? laid.nodes[0])?.id
  const [width, height] = [laid.width + 2 * margin, laid.height + 2 * margin]
  useBegin(view, laid, isPresent ? tasks.value : undefined, !isPresent)
  return (
    <>
      <Toolbar view={view} running={[...now.values()].filter(({ running }) => running.length > 0).length} />
      <div class={agent === undefined ? "programSplit" : "programSplit open"}>
        <div
          ref={view.box}
          class="chart program"
          tabIndex={0}
          role="group"
          aria-label={`Agents, kinds and intents: ${number(laid.nodes.length)} of them. The table below lists the agents.`}
          onWheel={wheelOf(view)}
          onKeyDown={keysOf(view, laid, onOpen)}
          {...drag}
        >
          <svg
            class={chosen === undefined ? "" : "hasChosen"}
            viewBox={`${-margin} ${-margin} ${width} ${height}`}
            style={{ width: `${width * view.scale}px`, height: `${height * view.scale}px` }}
          >
            <defs>
              <Marker id="arrow" />
              <Marker id="nearArrow" />
            </defs>
            <Edges laid={laid} chosen={chosen} />
            <Nodes
              {...{ laid, chosen, now, onOpen }}
              stop={first}
              textOf={textsOf(props, now)}
              onFocus={({ id }) => (stop.value = id)}
            />
          </svg>
        </div>
        {agent === undefined ? null : (
          <AgentPane
            agent={agent}
            intents={intentsOf(agent, asked)}
            now={now.get(agent.name)}
            onClose={() => choose("")}
          />
        )}
      </div>
    </>
  )
}
