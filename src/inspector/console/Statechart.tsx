/**
 * The job's machine as it runs: the active state is lit, the transition that led there moves once, and each state says how long
 * the job was in it, as far as that was recorded or is measured.
 *
 * The layout is made when the package is built. Which phase a job is in changes faster than a page can show, so a phase
 * stays lit until the next answer of the server.
 */
import { useEffect, useRef, useState } from "preact/hooks"
import { span } from "./format.ts"
import { at, job } from "./jobStore.ts"
import { Panel } from "./parts.tsx"
import { isPastAsked, standing } from "./past.ts"
import type { Standing, Work } from "./shapes.ts"
import { transitionTo } from "./lastTransition.ts"
import { useWork } from "./work.ts"

interface Chart {
  readonly width: number
  readonly height: number
  readonly states: ReadonlyArray<{
    readonly key: string
    readonly path: string
    readonly x: number
    readonly y: number
    readonly width: number
    readonly height: number
    readonly isParent: boolean
    readonly isFinal: boolean
    readonly description: string
  }>
  readonly edges: ReadonlyArray<{
    readonly from: string
    readonly to: string
    readonly names: ReadonlyArray<string>
    readonly points: ReadonlyArray<readonly [number, number]>
  }>
}

declare const __STATECHART__: Chart

const chart = __STATECHART__

const places: Readonly<Record<string, string>> = {
  queued: "idle",
  // No process holds such a job: its machine is in no state.
  suspended: "",
  quarantined: "",
  "budget-exhausted": "budgetExhausted"
}

/** The path of the active state. */
const activeOf = (state: string, phase: string | null): string =>
  state === "running"
    ? phase === null
      ? "running"
      : phase.startsWith("running.")
        ? phase
        : `running.${phase}`
    : (places[state] ?? state)

/** The paths of the states in the chart by the names that the server gives them. Phases are within `running`. */
const timesOf = ({ spentMs, untoldMs }: Work): ReadonlyMap<string, number> => {
  const times = new Map<string, number>()
  let running = untoldMs
  for (const [name, ms] of Object.entries(spentMs)) {
    const isOwn = chart.states.some(({ path }) => path === name)
    times.set(isOwn ? name : `running.${name}`, ms)
    if (!isOwn) running += ms
  }
  if (running > 0) times.set("running", running)
  return times
}

/** Tuning: milliseconds from which a part of the time that is not known is worth a word. */
const worthSayingMs = 100

/** How much of the time is not known, and why. */
const Unknown = ({ work: { awayMs, measuredMs, untoldMs } }: { readonly work: Work }) => {
  const parts = [
    untoldMs < worthSayingMs
      ? ""
      : `For ${span(untoldMs)} in running no phase is known: phases are recorded of cycles that have a task of a millisecond or more.`,
    awayMs < worthSayingMs
      ? ""
      : `For ${span(awayMs)} nothing is recorded: it was queued, no process held it, or a process that held it was ended before it recorded what it had done.`,
    measuredMs === null || (untoldMs < worthSayingMs && awayMs < worthSayingMs)
      ? ""
      : `This server measured the last ${span(measuredMs)}; the times before them are from the journal.`
  ].filter(Boolean)
  return parts.length === 0 ? null : <p class="soft known">{parts.join(" ")}</p>
}

/** The name of a state, as the rest of the page has it. */
const shownName = (name: string): string => (name === "budgetExhausted" ? "budget-exhausted" : name)

const lineOf = (points: ReadonlyArray<readonly [number, number]>): string =>
  points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join(" ")

/** The path of the state after a cycle. A job that went on is shown in what the cycle did. */
const pathAfter = ({ cycle, state, tasks }: Standing): string => {
  if (state !== "running") return activeOf(state, null)
  return cycle === 0 ? "running.eligible" : tasks > 0 ? "running.executing" : "running.merging"
}

/** The transition that led to the state after a cycle. */
const wayTo = (path: string): string => {
  if (path === "running.eligible") return "idle>running"
  if (path === "running.executing") return "running.eligible>running.executing"
  return `running.${path === "running.merging" ? "executing" : "checking"}>${path}`
}

interface StateProps {
  readonly state: Chart["states"][number]
  readonly active: string
  /** Undefined if it is not known, or if the job was never in it. */
  readonly spentMs: number | undefined
}

const StateNode = ({ active, spentMs, state }: StateProps) => {
  const { description, height, isFinal, isParent, key, path, width, x, y } = state
  const isOn = active === path || (isParent && active.startsWith(`${path}.`))
  const classes = ["node", isParent ? "parent" : "", isFinal ? `final ${path}` : "", isOn ? "on" : ""]
  return (
    <g class={classes.filter(Boolean).join(" ")}>
      <title>{description}</title>
      <rect x={x} y={y} width={width} height={height} rx={isParent ? 12 : 8} />
      <text
        x={isParent ? x + 14 : x + width / 2}
        y={isParent ? y + 21 : y + height / 2 + (spentMs === undefined ? 4.5 : -3)}
        text-anchor={isParent ? "start" : "middle"}
      >
        {shownName(key)}
        {isParent && spentMs !== undefined ? <tspan class="count"> {span(spentMs)}</tspan> : null}
      </text>
      {isParent || spentMs === undefined ? null : (
        <text class="count" x={x + width / 2} y={y + height / 2 + 14} text-anchor="middle">
          {span(spentMs)}
        </text>
      )}
    </g>
  )
}

const hasGoneOn = (stood: Standing | undefined): boolean => stood?.state === "running" || stood?.hasResumed === true

/** Where the whole chart has no room, the lit state is in sight. */
const useLit = (active: string, isShown: boolean) => {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { current } = box
    const lit = current?.querySelector(".node.on:not(.parent)")
    if (current === null || lit === null || lit === undefined) return
    const [room, place] = [current.getBoundingClientRect(), lit.getBoundingClientRect()]
    if (place.left >= room.left && place.right <= room.right) return
    current.scrollLeft += (place.left + place.right - room.left - room.right) / 2
  }, [active, isShown])
  return box
}

export const Statechart = () => {
  const { value } = job
  const stood = standing.value
  const isPast = at.value !== undefined
  const present = value === undefined ? "" : activeOf(value.state, value.phase)
  const active = isPast ? (stood === undefined ? "" : pathAfter(stood)) : present
  const last = useRef(active)
  const [moved, setMoved] = useState("")
  useEffect(() => {
    if (last.current === active) return
    const edge = transitionTo(chart.edges, last.current, active)
    last.current = active
    setMoved(edge === undefined ? "" : `${edge.from}>${edge.to}`)
  }, [active])
  const work = useWork()
  const box = useLit(active, value !== undefined)
  if (value === undefined) return null
  const isAsked = isPastAsked.value
  const shown = isAsked ? "loading…" : active === "" ? "no process holds the job" : shownName(active)
  const way = isPast ? wayTo(active) : moved
  const times = work === undefined ? new Map<string, number>() : timesOf(work)
  const spent = [...times].map(([path, ms]) => `${path} ${span(ms)}`).join(", ")
  const label = `The job's machine. Active: ${shown}.${spent === "" ? "" : ` Time in each state: ${spent}.`}`
  return (
    <Panel title="Machine" note={isPast && hasGoneOn(stood) ? `${active}, and went on` : shown}>
      <div ref={box} class="chart" tabIndex={0} role="img" aria-label={label}>
        <svg viewBox={`-6 -6 ${chart.width + 12} ${chart.height + 12}`} aria-hidden="true">
          <defs>
            <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 L8 4 L0 8 z" />
            </marker>
          </defs>
          {chart.states.map((state) => (
            <StateNode key={state.path} state={state} active={active} spentMs={times.get(state.path)} />
          ))}
          {chart.edges.map(({ from, names, points, to }) => (
            <path
              key={`${from}>${to}`}
              class={way === `${from}>${to}` ? "edge moved" : "edge"}
              d={lineOf(points)}
              marker-end="url(#tip)"
            >
              <title>{names.join(", ")}</title>
            </path>
          ))}
        </svg>
      </div>
      {work === undefined ? null : <Unknown work={work} />}
    </Panel>
  )
}
