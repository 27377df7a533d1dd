// api.groups: questions that the server answers.

const { object } = lib('api/checks');
const { call } = machine;

module.exports = () => ({
  getUserGroups: (options) => call('groups.getUserGroups', { ...object(options, 'options') }),
  hasGroupMembership: (group, options) =>
    call('groups.hasGroupMembership', { ...object(options, 'options'), group }),
});
