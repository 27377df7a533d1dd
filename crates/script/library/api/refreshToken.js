// api.refreshToken

module.exports = (tools) => lib('api/lifetimes')('refreshToken', tools);
