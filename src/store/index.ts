/** The public names of the store: the port and its adapters. */
export {
  type JobPage,
  JobStore,
  type JournalEnd,
  type JournalRow,
  type Kept,
  layerMemory,
  type ListOptions,
  type NewJob,
  type PruneOptions,
  StoreError,
  type StoredJob,
  type StoredJournal,
  type StoredRow,
  type StoreErrorReason
} from "./JobStore.ts"
export { layerMemoryJournal } from "./memory.ts"
