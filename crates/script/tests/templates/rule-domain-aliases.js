/* {"kind": "rule", "user": {"email": "eve@elsewhere.example"},
    "context": {"connectionOptions": {"tenant_domain": "example.com", "domain_aliases": ["Example.org"]}},
    "expect": {"error": {"message": "Access denied"}}} */
function (user, context, callback) {
  const { tenant_domain, domain_aliases = [] } = context.connectionOptions;
  if (!tenant_domain && !domain_aliases.length) return callback(null, user, context);
  const allowed = new Set([tenant_domain]);
  domain_aliases.forEach((alias) => alias && allowed.add(alias.toLowerCase()));
  const domain = user.email.split('@').pop().toLowerCase();
  return allowed.has(domain) ? callback(null, user, context) : callback('Access denied');
}
