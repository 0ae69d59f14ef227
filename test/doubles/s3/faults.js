export function createFaultPlan() {
  const pending = [];
  return {
    add: (fault) => pending.push({ fault, left: fault.times }),
    take: (request) => {
      const found = pending.find(
        ({ fault, left }) =>
          left > 0 &&
          (fault.method === undefined || fault.method === request.method) &&
          (fault.contains === undefined || request.url?.includes(fault.contains) === true),
      );
      if (found === undefined) return undefined;
      found.left -= 1;
      return found.fault.does;
    },
  };
}
//# sourceMappingURL=faults.js.map
