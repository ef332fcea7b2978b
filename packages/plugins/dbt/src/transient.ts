// Words of warehouses and networks about conditions that pass by themselves.
const passing = [
  /connection (?:was |has been )?(?:reset|refused|aborted|closed|timed out|already closed|lost)/i,
  /(?:could not|unable to|failed to) (?:connect|establish a? ?connection)/i,
  /server closed the connection|SSL SYSCALL|broken pipe|reset by peer|remote end closed/i,
  /\btime(?:d)?[- ]?out\b/i,
  /temporar(?:y|ily)|try again|retry (?:the )?(?:query|transaction|statement)/i,
  /deadlock|lock (?:wait )?timeout|could not serialize|serialization failure|serializable isolation/i,
  /Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction|Write)Exception|concurrent (?:update|write)|aborted due to concurrent/i,
  /too many (?:connections|requests|concurrent)|rate ?limit|quota exceeded|rateLimitExceeded/i,
  /service (?:is )?unavailable|internal (?:server )?error|bad gateway|backend ?error|\b50[234]\b/i,
  /(?:warehouse|cluster|endpoint) (?:is |was )?(?:suspended|starting|stopped|terminated|not ready)/i,
] as const;

/** Whether the message of a failed node tells of something that another run may not meet. */
export function isPassing(message: string): boolean {
  return passing.some((pattern) => pattern.test(message));
}
