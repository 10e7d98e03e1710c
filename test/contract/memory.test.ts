import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import { seededRandom24 } from "../support/seeded-random.js";
import { counterStoreContract } from "./counter-store.contract.js";

counterStoreContract("MemoryStore", () => ({ store: new MemoryStore(seededRandom24(1)) }));
