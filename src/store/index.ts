/** The public names of the store: the port and its adapter in memory. */
export { JobStore, type JournalRow, layerMemory, StoreError } from "./JobStore.ts"
