/** The part of each budget that a job has used, the agents that paid, and the diagnostics of its tasks. */
import type { Result, Usage } from "./api.ts"
import { bytes, number, span } from "./format.ts"
import { at, limits } from "./jobStore.ts"
import { FactLink } from "./links.tsx"
import { Bar, messageOf, Panel, Said } from "./parts.tsx"
import { shownDiagnostics, shownOmitted, shownUsage } from "./past.ts"
import { Sides } from "./Sides.tsx"

type Shown = readonly [name: string, used: number, limit: number | null | undefined, text: (n: number) => string]

const Payers = ({
  list
}: {
  readonly list: ReadonlyArray<readonly [agent: string, paid: Usage["byAgent"][string]]>
}) => (
  <table>
    <caption>Paid by agent</caption>
    <thead>
      <tr>
        <th>agent</th>
        <th class="num">tokens</th>
        <th class="num">cost</th>
      </tr>
    </thead>
    <tbody>
      {list.map(([agent, { cost, tokens }]) => (
        <tr key={agent}>
          <td>
            <Said text={agent} limit={80} />
          </td>
          <td class="num">{number(tokens)}</td>
          <td class="num">{number(cost)}</td>
        </tr>
      ))}
    </tbody>
  </table>
)

interface DiagnosticsProps {
  readonly list: Result["diagnostics"]
  /** The older ones, which are not in the list. */
  readonly omitted: number | undefined
}

/** Tuning: diagnostics in a list. */
const mostDiagnostics = 100

export const Diagnostics = ({ list, omitted = 0 }: DiagnosticsProps) => (
  <Panel
    title="Diagnostics"
    note={`${number(list.length + omitted)}${list.length + omitted > mostDiagnostics ? `; the newest ${mostDiagnostics} are here` : ""}`}
  >
    <ul class="diagnostics">
      {list.slice(-mostDiagnostics).map(({ agent, cause, cycle, each }, index) => (
        <li key={index}>
          <small>cycle {number(cycle)}</small> <code>{cause._tag}</code>{" "}
          <Said text={agent === "" ? "a signal" : agent} limit={80} />
          {each === null ? null : (
            <>
              {" "}
              <FactLink fact={each} />
            </>
          )}{" "}
          {messageOf(cause) === "" ? null : <Said text={messageOf(cause)} limit={400} />}
          <Sides error={cause} />
        </li>
      ))}
    </ul>
  </Panel>
)

/** The use of each budget against its limit. */
export const BudgetPanel = ({ usage }: { readonly usage: Usage }) => {
  const budget = limits.value
  const rows: ReadonlyArray<Shown> = [
    ["cycles used", usage.cycles, budget["cycles"], number],
    ["facts", usage.facts, budget["facts"], number],
    ["tasks", usage.agents, budget["agents"], number],
    ["duration", usage.durationMs, budget["duration"], span],
    ["CPU time", usage.cpuMs, budget["cpuTime"], span],
    ["context", usage.contextBytes, budget["contextBytes"], bytes],
    ["tokens", usage.tokens, budget["tokens"], number],
    ["cost", usage.cost, budget["cost"], number]
  ]
  const payers = Object.entries(usage.byAgent)
  return (
    <Panel title="Budget" note={at.value === undefined ? undefined : `used by the end of cycle ${number(at.value)}`}>
      <table class="budget">
        <tbody>
          {rows
            .filter(([, used, limit]) => used > 0 || (limit !== null && limit !== undefined))
            .map(([name, used, limit, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="num">{text(used)}</td>
                <td>
                  {limit === null || limit === undefined ? (
                    <small>no limit</small>
                  ) : (
                    <Bar used={used} limit={limit} label={`${name}: ${text(used)} of ${text(limit)}`} />
                  )}
                </td>
                <td class="num">{limit === null || limit === undefined ? "" : text(limit)}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {payers.length === 0 ? null : <Payers list={payers} />}
    </Panel>
  )
}

export const Budgets = () => {
  const usage = shownUsage.value ?? null
  if (usage === null) return null
  const diagnostics = shownDiagnostics.value ?? []
  const omitted = shownOmitted.value?.diagnostics
  return (
    <>
      <BudgetPanel usage={usage} />
      {diagnostics.length === 0 ? null : <Diagnostics list={diagnostics} omitted={omitted} />}
    </>
  )
}
