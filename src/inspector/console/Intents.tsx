/** The intents that a job has committed, with the keys under which they are performed once. */
import type { Result } from "./api.ts"
import { brief, number } from "./format.ts"
import { FactLink } from "./links.tsx"
import { Panel, Said } from "./parts.tsx"

const shown = 200

/** `open`: the keys of intents that wait for their answers; undefined if that is not known. */
export const Intents = ({ list, open }: { readonly list: Result["intents"]; readonly open?: ReadonlySet<string> }) => (
  <Panel title="Intents" note={number(list.length)}>
    <div class="wide" tabIndex={0} role="region" aria-label="Intents">
      <table>
        <thead>
          <tr>
            <th>kind</th>
            <th>agent</th>
            <th>about</th>
            <th class="num">cycle</th>
            <th>payload</th>
            <th>key</th>
            {open === undefined ? null : <th>answer</th>}
          </tr>
        </thead>
        <tbody>
          {list.slice(0, shown).map(({ agent, cycle, each, idempotencyKey, kind, payload }) => (
            <tr key={idempotencyKey}>
              <td>
                <Said text={kind} limit={80} />
              </td>
              <td>
                <Said text={agent} limit={80} />
              </td>
              <td>{each === undefined ? "" : <FactLink fact={each} />}</td>
              <td class="num">{number(cycle)}</td>
              <td>{payload === undefined ? "" : <Said text={brief(payload, 120)} limit={120} />}</td>
              <td>
                <code class="cut">
                  <Said text={idempotencyKey} limit={120} />
                </code>
              </td>
              {open === undefined ? null : (
                <td>{open.has(idempotencyKey) ? "it waits" : "it has one, or needs none"}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    {list.length > shown ? <p class="soft">The first {shown} are here.</p> : null}
  </Panel>
)
