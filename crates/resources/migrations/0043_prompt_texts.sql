-- What a tenant wrote for the pages of one prompt in one language: {"screen": {"key": "text"}}.
CREATE TABLE prompt_texts (
  tenant_id {text_c} NOT NULL,
  prompt {text_c} NOT NULL,
  language {text_c} NOT NULL,
  doc {json} NOT NULL,
  PRIMARY KEY (tenant_id, prompt, language)
);
