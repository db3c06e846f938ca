module.exports = class Deploy1700000000005 {
  name = "Deploy1700000000005";

  async up(queryRunner) {
    await queryRunner.query(`ALTER TABLE "typeorm_item" ALTER COLUMN "tier" SET DEFAULT '2'`);
    await queryRunner.query(`ALTER TABLE "typeorm_item" ADD "seen" date`);
    await queryRunner.query(`INSERT INTO "typeorm_item" ("name") VALUES ('the last')`);
  }

  async down() {}
};
