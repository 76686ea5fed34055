/**
 * Kills processes at random for as long as it is asked to: what `npm run soak -- --kills 1000` does.
 *
 * Several sets of jobs at a time, each with a seed of its own, from which the delays come. How far a delay may go follows how
 * long processes take at the moment, so that kills fall on all of their life. Boundary: prints, and gives what was wrong.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf } from "../core/random.ts"
import { type Blow, type Blown, killAll } from "./harness.ts"

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  /** Sets of jobs at a time. */
  readonly parallel: number
}

/** The most processes for one set of jobs. */
const most = 8

export const soakKills = async ({ kills, parallel, seed }: KillOptions): Promise<ReadonlyArray<string>> => {
  const root = mkdtempSync(join(tmpdir(), "converge-kills-"))
  const cache = join(root, "cache")
  const complaints: Array<string> = []
  const began = performance.now()
  let killed = 0
  let sets = 0
  let spanMs = 400
  const seconds = (): number => (performance.now() - began) / 1_000

  const one = async (number: number): Promise<void> => {
    const random = randomOf(number)
    const folder = join(root, String(number))
    mkdirSync(folder)
    const next = (blown: ReadonlyArray<Blown>): Blow | undefined =>
      blown.length < most ? { afterMs: random.below(Math.max(50, spanMs)) } : undefined
    const report = await killAll({ folder, cache, next })
    killed += report.blown.filter(({ isKilled }) => isKilled).length
    // Mostly jobs end after some kills: one that came to its end early says how long that takes.
    if (report.blown.length === most) spanMs *= 1.05
    else spanMs *= report.blown.length < most / 2 ? 0.8 : 0.95
    for (const complaint of report.complaints) {
      const blows = JSON.stringify(report.blown.map(({ blow }) => blow))
      complaints.push(`seed ${number}, ${blows}: ${complaint}`)
      console.error(`violation: ${complaints.at(-1)}`)
    }
    if (report.complaints.length === 0) rmSync(folder, { recursive: true })
    else console.error(`what is left is in ${folder}`)
    if (++sets % 10 === 0) {
      console.log(`${seconds().toFixed(0)} s: ${killed} kills of ${sets} sets of jobs, within ${spanMs.toFixed(0)} ms`)
    }
  }

  let number = seed
  const isOver = (): boolean => killed >= kills || complaints.length >= 20
  const lane = async (): Promise<void> => {
    while (!isOver()) await one(number++)
  }
  await Promise.all(Array.from({ length: parallel }, lane))
  console.log(
    `${killed} kills of ${sets} sets of jobs in ${seconds().toFixed(0)} s: ` +
      (complaints.length === 0 ? "everything held" : `${complaints.length} violations`)
  )
  if (complaints.length === 0) rmSync(root, { recursive: true })
  return complaints
}
