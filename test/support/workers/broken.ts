/** Modules that programs name and that workers cannot use, by query: see `lifecycle.test.ts`. */
import * as Schema from "effect/Schema"
import { isMainThread } from "node:worker_threads"
import { Agent, Program } from "../../../src/index.ts"
import { mkdirSync } from "node:fs"
import { Item, Seen } from "./programs.ts"

const { searchParams } = new URL(import.meta.url)
const query = searchParams.get("does")

/** Whether this is one of the first loads, as many as the URL says, counted in its folder. */
const isFirst = (): boolean =>
  Array.from({ length: Number(searchParams.get("times")) }).some((_, index) => {
    try {
      mkdirSync(`${searchParams.get("folder")}/${index}`)
      return true
    } catch {
      return false
    }
  })
if (!isMainThread && query === "throw") throw new Error("not on a worker")
if (!isMainThread && query === "lost") throw new Error(`no settings in ${import.meta.url}`)
if (!isMainThread && query === "starve" && isFirst()) {
  const code = "EMFILE"
  throw new Error("no settings", { cause: Object.assign(new Error(`${code}: too many open files, open`), { code }) })
}
if (!isMainThread && query === "exit") process.exit(9)

const square = Agent.cpu("square", { each: Item, writes: [Seen], execute: () => ({}) })
const input = Schema.Struct({})
const at = (does: string) => ({ module: `${import.meta.url}?does=${does}`, input, agents: [square] })

/** Exported only on the main thread. */
export const hidden = isMainThread ? Program.make("hidden", at("hide")) : undefined
/** The module throws, exits, or is not there. */
export const throwing = Program.make("throwing", at("throw"))
export const lost = Program.make("lost", at("lost"))
export const exiting = Program.make("exiting", at("exit"))
export const missing = Program.make("missing", { ...at(""), module: new URL("missing.ts", import.meta.url).href })
/** A program whose module lacks file descriptors the first `times` that a worker loads it, counted in a folder. */
export const starvedAt = (folder: string, times: number) =>
  Program.make("starved", {
    ...at("starve"),
    module: `${import.meta.url}?does=starve&times=${times}&folder=${encodeURIComponent(folder)}`
  })
/** Exported in an array. */
export const many = [Program.make("first", at("array")), Program.make("second", at("array")), starvedAt("", 0)] as const
/** Has other agents on a worker. */
const other = Agent.cpu("other", { each: Item, writes: [Seen], execute: () => ({}) })
export const changed = Program.make("changed", { ...at("change"), agents: isMainThread ? [square] : [other] })
