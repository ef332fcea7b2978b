/**
 * `setImmediate` as it was when this was loaded. A turn of the event loop is no time: where a test of a pipeline fakes the
 * timers, emits and deliveries go on all the same, and only what waits for a time waits for the test.
 */
export const nextTurn: typeof setImmediate = setImmediate;
