/**
 * The job's machine as it runs: the active state is lit, the transition that led there moves once, and each state says how long
 * the job was in it.
 *
 * The layout is made when the package is built. Which phase a job is in changes faster than a page can show, so a phase
 * stays lit until the next answer of the server.
 */
import { useEffect, useRef, useState } from "preact/hooks"
import { span } from "./format.ts"
import { at, job, tasks } from "./jobStore.ts"
import { Panel } from "./parts.tsx"
import { standing } from "./past.ts"
import type { Standing } from "./shapes.ts"
import { transitionTo } from "./lastTransition.ts"

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
  suspended: "paused",
  quarantined: "paused",
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
const timesOf = (spentMs: Readonly<Record<string, number>>): ReadonlyMap<string, number> => {
  const times = new Map<string, number>()
  let running = 0
  for (const [name, ms] of Object.entries(spentMs)) {
    const isOwn = chart.states.some(({ path }) => path === name)
    times.set(isOwn ? name : `running.${name}`, ms)
    if (!isOwn) running += ms
  }
  if (running > 0) times.set("running", running)
  return times
}

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
  if (value === undefined) return null
  const way = isPast ? wayTo(active) : moved
  const times = timesOf(isPast ? {} : (tasks.value?.spentMs ?? {}))
  const spent = [...times].map(([path, ms]) => `${path} ${span(ms)}`).join(", ")
  const label = `The job's machine. Active: ${active}.${spent === "" ? "" : ` Time in each state: ${spent}.`}`
  return (
    <Panel title="Machine" note={isPast && stood?.state === "running" ? `${active}, and went on` : active}>
      <div class="chart" tabIndex={0} role="img" aria-label={label}>
        <svg viewBox={`-6 -6 ${chart.width + 12} ${chart.height + 12}`} aria-hidden="true">
          <defs>
            <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 L8 4 L0 8 z" />
            </marker>
          </defs>
          {chart.states.map(({ description, height, isFinal, isParent, key, path, width, x, y }) => (
            <g
              key={path}
              class={[
                "node",
                isParent ? "parent" : "",
                isFinal ? `final ${path}` : "",
                active === path || (isParent && active.startsWith(`${path}.`)) ? "on" : ""
              ].join(" ")}
            >
              <title>{description}</title>
              <rect x={x} y={y} width={width} height={height} rx={isParent ? 12 : 8} />
              <text
                x={isParent ? x + 14 : x + width / 2}
                y={isParent ? y + 21 : y + height / 2 + (times.has(path) ? -3 : 4.5)}
                text-anchor={isParent ? "start" : "middle"}
              >
                {key === "budgetExhausted" ? "exhausted" : key}
                {isParent && times.has(path) ? <tspan class="count"> {span(times.get(path) ?? 0)}</tspan> : null}
              </text>
              {isParent || !times.has(path) ? null : (
                <text class="count" x={x + width / 2} y={y + height / 2 + 14} text-anchor="middle">
                  {span(times.get(path) ?? 0)}
                </text>
              )}
            </g>
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
    </Panel>
  )
}
