/** Modules that programs name and that workers cannot use, by query: see `lifecycle.test.ts`. */
import * as Schema from "effect/Schema"
import { isMainThread } from "node:worker_threads"
import { Agent, Program } from "../../../src/index.ts"
import { Item, Seen } from "./programs.ts"

const query = new URL(import.meta.url).searchParams.get("does")
if (!isMainThread && query === "throw") throw new Error("not on a worker")
if (!isMainThread && query === "lost") throw new Error(`no settings in ${import.meta.url}`)
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
/** Exported in an array. */
export const many = [Program.make("first", at("array")), Program.make("second", at("array"))] as const
/** Has other agents on a worker. */
const other = Agent.cpu("other", { each: Item, writes: [Seen], execute: () => ({}) })
export const changed = Program.make("changed", { ...at("change"), agents: isMainThread ? [square] : [other] })
