// api.rules

module.exports = ({ executedRules }) => ({ wasExecuted: (id) => executedRules.includes(id) });
