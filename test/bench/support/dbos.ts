/** DBOS on a PostgreSQL of its own: one workflow whose steps are a chain's. The part of DBOS that is used has small types. */
import { load } from "../framework/peers.ts"
import { startPostgres } from "../framework/postgres.ts"
import { step } from "../work.ts"

type Workflow = (value: number, steps: number) => Promise<number>

interface Dbos {
  readonly setConfig: (config: Readonly<Record<string, unknown>>) => void
  readonly registerWorkflow: (workflow: Workflow, config: { readonly name: string }) => Workflow
  readonly runStep: (body: () => Promise<number>, config: { readonly name: string }) => Promise<number>
  readonly launch: () => Promise<void>
  readonly shutdown: () => Promise<void>
}

export interface LiveDbos {
  readonly run: Workflow
  readonly stop: () => Promise<void>
}

/** There can be one in a process. */
export const startDbos = async (): Promise<LiveDbos> => {
  const { DBOS } = await load<{ readonly DBOS: Dbos }>("dbos")
  const postgres = await startPostgres()
  // It calls pg in a way that pg warns of.
  process.noDeprecation = true
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: postgres.url("bench"), logLevel: "error" })
  const run = DBOS.registerWorkflow(
    async (value, steps) => {
      let current = value
      for (let n = 0; n < steps; n++) {
        const before = current
        current = await DBOS.runStep(async () => step(before), { name: "next" })
      }
      return current
    },
    { name: "chain" }
  )
  const stop = async (): Promise<void> => {
    await DBOS.shutdown()
    await postgres.stop()
  }
  try {
    await DBOS.launch()
  } catch (error) {
    await postgres.stop()
    throw error
  }
  return { run, stop }
}
