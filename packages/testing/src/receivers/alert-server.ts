import { type AlertFault, type AlertFaults, createAlertFaults } from "./alert-faults.ts";
import { type Answering, createHttpReceiver, type ReceivedRequest } from "./http.ts";

/** What all receivers of alerts have. */
export interface AlertReceiver extends AsyncDisposable {
  readonly requests: readonly ReceivedRequest[];
  /** Goes wrong from now on, until disposed of. */
  fault(fault: AlertFault): Disposable;
}

/** Starts the server of a receiver; `pass` gives the right answer, or what goes wrong instead. */
export async function createAlertServer(
  respond: (request: ReceivedRequest, pass: AlertFaults["pass"]) => Answering,
): Promise<{ readonly url: string; readonly receiver: AlertReceiver }> {
  const { fault, pass } = createAlertFaults();
  const server = await createHttpReceiver({ respond: (request) => respond(request, pass) });
  return {
    url: server.url,
    receiver: {
      requests: server.requests,
      fault,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    },
  };
}
