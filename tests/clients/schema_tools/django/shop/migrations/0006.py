from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0005")]
    operations = [
        migrations.AlterField("item", "name", models.TextField()),
        migrations.RemoveField("line", "note"),
    ]
