/**
 * The machines in Stately's editor: its own reader finds each of them in its file as it is, with all that a diagram and a
 * simulation need. A machine that is made from what the editor read goes every way that the engine's machine goes.
 */
import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { type AnyStateMachine, createMachine, initialTransition, transition } from "xstate"
import { jobMachine } from "../../machines/job.machine.ts"
import { workerMachine } from "../../machines/worker.machine.ts"
import { toJson } from "../../src/inspector/Statechart.ts"
import { input, nameOf, simple, type Snapshot } from "../machine/jobModel.ts"
import { extract, type ExtractedNode, type ExtractedTransition } from "../support/stately/extractor.ts"

type Json = Readonly<Record<string, unknown>>

const machines = { job: jobMachine, worker: workerMachine } as const

/** A value, or each of several. */
const each = <A, B>(value: A | ReadonlyArray<A>, to: (item: A) => B): B | ReadonlyArray<B> =>
  Array.isArray(value) ? value.map((item: A) => to(item)) : to(value as A)

const without = (object: Json): Json =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

interface Named {
  readonly kind: string
  readonly type?: string
  readonly action?: { readonly type: string }
}

/** The name of a guard or an action. Code that has no name cannot be shown, or given by a viewer. */
const named = ({ action, kind, type }: Named): string => {
  const name = type ?? action?.type
  if (kind !== "named" || name === undefined) throw new Error(`${kind}: ${name ?? "no name"}`)
  return name
}

const transitionOf = ({ actions, cond, target }: ExtractedTransition): Json =>
  without({
    target,
    guard: cond === undefined ? undefined : named(cond),
    actions: actions === undefined ? undefined : each(actions, named)
  })

/** The config that the editor's reader found, in the form of the present version of XState. */
const configOf = ({ description, entry, exit, id, initial, invoke, on, states, type }: ExtractedNode): Json =>
  without({
    id,
    description,
    type,
    initial,
    entry: entry === undefined ? undefined : each(entry, named),
    exit: exit === undefined ? undefined : each(exit, named),
    invoke:
      invoke === undefined
        ? undefined
        : each(invoke, ({ id: own, kind, src }) => ({ id: own, src: named({ kind, type: src }) })),
    on: on && Object.fromEntries(Object.entries(on).map(([event, value]) => [event, each(value, transitionOf)])),
    states: states && Object.fromEntries(Object.entries(states).map(([name, node]) => [name, configOf(node)]))
  })

const read: Record<string, ReadonlyArray<ExtractedNode>> = {}

beforeAll(async () => {
  for (const name of Object.keys(machines)) {
    read[name] = await extract(readFileSync(new URL(`../../machines/${name}.machine.ts`, import.meta.url), "utf8"))
  }
})

/** All names of a kind in a config, each once. */
const namesIn = (value: unknown, keys: ReadonlyArray<string>, found = new Set<string>()): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  for (const [key, part] of Object.entries(value)) {
    if (keys.includes(key)) for (const name of [part].flat()) if (typeof name === "string") found.add(name)
    namesIn(part, keys, found)
  }
  return [...found].sort()
}

describe.each(Object.keys(machines) as ReadonlyArray<keyof typeof machines>)("the file of the %s's machine", (name) => {
  const machine: AnyStateMachine = machines[name]

  it("has one machine for the editor's reader, with the config that the engine runs", () => {
    expect(read[name]).toHaveLength(1)
    expect(configOf(read[name]![0]!)).toEqual(toJson(machine))
  })

  it("names every guard, action, delay and actor, and `setup` gives each of them and no other", () => {
    const config = configOf(read[name]![0]!)
    const { actions, actors, delays, guards } = machine.implementations
    expect(namesIn(config, ["guard"])).toEqual(Object.keys(guards).sort())
    expect(namesIn(config, ["actions", "entry", "exit"])).toEqual(Object.keys(actions).sort())
    expect(namesIn(config, ["src"])).toEqual(Object.keys(actors).sort())
    expect(Object.keys(delays)).toEqual([])
    expect(namesIn(config, ["after"])).toEqual([])
  })
})

describe("a simulation of the job's machine", () => {
  it("goes along every path by events alone, as the engine's machine does", () => {
    const config = configOf(read["job"]![0]!)
    // The editor shows the context's function and does not run it, so it comes from the file's machine, as all named code does.
    const { context } = jobMachine.config
    const simulated: AnyStateMachine = createMachine(
      { ...config, context } as never,
      jobMachine.implementations as never
    )
    let steps = 0
    for (const path of simple) {
      let [own] = initialTransition(jobMachine, input)
      let [its] = initialTransition(simulated, input as never)
      for (const { event } of path.steps) {
        if ((event.type as string) === "xstate.init" || own.status !== "active") continue
        ;[own] = transition(jobMachine, own, event)
        ;[its] = transition(simulated, its, event)
        steps++
        expect([event.type, its.value, its.context, its.status]).toEqual([
          event.type,
          own.value,
          own.context,
          own.status
        ])
      }
      expect(nameOf(its as Pick<Snapshot, "value">)).toBe(nameOf(path.state))
    }
    expect(simple.length).toBeGreaterThan(500)
    expect(steps).toBeGreaterThan(3_000)
  })
})
